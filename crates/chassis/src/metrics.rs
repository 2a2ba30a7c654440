//! What a process counts, in Prometheus's text form.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;

/// Upper bounds of the latency histogram, in seconds.
const BOUNDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

/// The same of what may take days.
const LONG_BOUNDS: [f64; 12] = [
    0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 120.0, 600.0, 3600.0, 21_600.0, 86_400.0, 604_800.0,
];

const REQUESTS: &str = "gantry_request_duration_seconds";

/// Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

struct Inner {
    service: &'static str,
    started: SystemTime,
    in_flight: AtomicI64,
    connections: AtomicI64,
    /// By route and status; a few dozen in all, made once each.
    series: RwLock<HashMap<(String, u16), Arc<Series>>>,
    /// By name and labels, of what a service has beside requests.
    others: RwLock<BTreeMap<(&'static str, String), Arc<Series>>>,
    /// By name and labels.
    gauges: RwLock<BTreeMap<(&'static str, String), i64>>,
    /// Asked whenever somebody wants to see the figures.
    askers: RwLock<Vec<Asker>>,
}

/// A figure that goes up and down. `labels` are as they are to be shown, each of a bounded set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gauge {
    pub name: &'static str,
    pub labels: String,
    pub value: i64,
}

/// What is known only when it is asked for. It bounds by itself how often it looks, and for how long.
pub type Asker = Arc<dyn Fn() -> BoxFuture<'static, Vec<Gauge>> + Send + Sync>;

struct Series {
    bounds: &'static [f64; BOUNDS.len()],
    count: AtomicU64,
    micros: AtomicU64,
    buckets: [AtomicU64; BOUNDS.len()],
}

impl Series {
    fn new(bounds: &'static [f64; BOUNDS.len()]) -> Self {
        Self {
            bounds,
            count: AtomicU64::new(0),
            micros: AtomicU64::new(0),
            buckets: Default::default(),
        }
    }

    fn add(&self, took: Duration) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(
            u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
        let seconds = took.as_secs_f64();
        if let Some(bucket) = self.bounds.iter().position(|bound| seconds <= *bound) {
            self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        }
    }

    fn write(&self, name: &str, labels: &str, out: &mut String) -> std::fmt::Result {
        let mut sum = 0;
        for (bound, bucket) in self.bounds.iter().zip(&self.buckets) {
            sum += bucket.load(Ordering::Relaxed);
            writeln!(out, "{name}_bucket{{{labels},le=\"{bound}\"}} {sum}")?;
        }
        let count = self.count.load(Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "a sum of seconds for people")]
        let seconds = self.micros.load(Ordering::Relaxed) as f64 / 1e6;
        writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {count}")?;
        writeln!(out, "{name}_sum{{{labels}}} {seconds}")?;
        writeln!(out, "{name}_count{{{labels}}} {count}")
    }
}

/// Counts a request as in flight until it is dropped.
pub struct InFlight(Metrics);

/// Counts a connection as open until it is dropped.
pub(crate) struct Connected(Metrics);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.inner.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.inner.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    pub fn new(service: &'static str) -> Self {
        let inner = Inner {
            service,
            started: SystemTime::now(),
            in_flight: AtomicI64::new(0),
            connections: AtomicI64::new(0),
            series: RwLock::default(),
            others: RwLock::default(),
            gauges: RwLock::default(),
            askers: RwLock::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    pub fn begin(&self) -> InFlight {
        self.inner.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self.clone())
    }

    pub(crate) fn connected(&self) -> Connected {
        self.inner.connections.fetch_add(1, Ordering::Relaxed);
        Connected(self.clone())
    }

    /// `route` is one of a bounded set: a node's name, a pattern; never a path as it came.
    pub fn observe(&self, route: &str, status: u16, took: Duration) {
        let Some(series) = self.series(route, status) else {
            return;
        };
        series.add(took);
    }

    /// In the histogram `name`, in seconds. `labels` are as they are to be shown (`a="b",c="d"`), each of a bounded set.
    pub fn observe_in(&self, name: &'static str, labels: &str, took: Duration) {
        self.observe_by(&BOUNDS, name, labels, took);
    }

    /// The same of what may take days.
    pub fn observe_long_in(&self, name: &'static str, labels: &str, took: Duration) {
        self.observe_by(&LONG_BOUNDS, name, labels, took);
    }

    pub fn set(&self, gauge: Gauge) {
        if let Ok(mut gauges) = self.inner.gauges.write() {
            gauges.insert((gauge.name, gauge.labels), gauge.value);
        }
    }

    pub fn ask(&self, asker: Asker) {
        if let Ok(mut askers) = self.inner.askers.write() {
            askers.push(asker);
        }
    }

    /// All figures, those too that are known only now.
    pub async fn scrape(&self) -> String {
        let askers = self.inner.askers.read();
        let askers = askers.map(|askers| askers.clone()).unwrap_or_default();
        for asker in askers {
            for gauge in asker().await {
                self.set(gauge);
            }
        }
        self.render()
    }

    fn observe_by(
        &self,
        bounds: &'static [f64; BOUNDS.len()],
        name: &'static str,
        labels: &str,
        took: Duration,
    ) {
        let key = (name, labels.to_owned());
        let known = self.inner.others.read().ok();
        let known = known.and_then(|others| others.get(&key).cloned());
        let series = known.or_else(|| {
            let mut others = self.inner.others.write().ok()?;
            let series = others.entry(key);
            Some(Arc::clone(
                series.or_insert_with(|| Arc::new(Series::new(bounds))),
            ))
        });
        if let Some(series) = series {
            series.add(took);
        }
    }

    fn series(&self, route: &str, status: u16) -> Option<Arc<Series>> {
        let key = (route.to_owned(), status);
        if let Some(series) = self.inner.series.read().ok()?.get(&key) {
            return Some(Arc::clone(series));
        }
        let mut series = self.inner.series.write().ok()?;
        let series = series.entry(key);
        Some(Arc::clone(
            series.or_insert_with(|| Arc::new(Series::new(&BOUNDS))),
        ))
    }

    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let inner = &self.inner;
        let since = inner
            .started
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs_f64();
        writeln!(out, "# TYPE gantry_build_info gauge")?;
        writeln!(
            out,
            "gantry_build_info{{service=\"{}\",version=\"{}\"}} 1",
            inner.service,
            crate::VERSION
        )?;
        writeln!(
            out,
            "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds {since}"
        )?;
        if let Some(bytes) = resident_bytes() {
            writeln!(
                out,
                "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes {bytes}"
            )?;
        }
        if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
            writeln!(
                out,
                "# TYPE process_open_fds gauge\nprocess_open_fds {}",
                open.count()
            )?;
        }
        writeln!(out, "# TYPE gantry_requests_in_flight gauge")?;
        writeln!(
            out,
            "gantry_requests_in_flight {}",
            inner.in_flight.load(Ordering::Relaxed)
        )?;
        writeln!(
            out,
            "# TYPE gantry_connections gauge\ngantry_connections {}",
            inner.connections.load(Ordering::Relaxed)
        )?;
        inner.write_gauges(out)?;
        inner.write_histograms(out)
    }
}

impl Inner {
    fn write_gauges(&self, out: &mut String) -> std::fmt::Result {
        let Ok(gauges) = self.gauges.read() else {
            return Ok(());
        };
        let mut last = "";
        for ((name, labels), value) in gauges.iter() {
            if *name != last {
                writeln!(out, "# TYPE {name} gauge")?;
                last = name;
            }
            match labels.as_str() {
                "" => writeln!(out, "{name} {value}")?,
                labels => writeln!(out, "{name}{{{labels}}} {value}")?,
            }
        }
        Ok(())
    }

    fn write_histograms(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "# TYPE {REQUESTS} histogram")?;
        let Ok(series) = self.series.read() else {
            return Ok(());
        };
        let mut keys: Vec<_> = series.keys().collect();
        keys.sort();
        for key in keys {
            let (route, status) = key;
            let labels = format!("route=\"{route}\",status=\"{status}\"");
            series[key].write(REQUESTS, &labels, out)?;
        }
        let Ok(others) = self.others.read() else {
            return Ok(());
        };
        let mut last = "";
        for ((name, labels), series) in others.iter() {
            if *name != last {
                writeln!(out, "# TYPE {name} histogram")?;
                last = name;
            }
            series.write(name, labels, out)?;
        }
        Ok(())
    }
}

/// Pages of 4 KiB, from the second figure of `statm`.
fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    statm
        .split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|pages| pages * 4096)
}
