//! Sixteen writers with transactions of any length, some of which commit late or not at all, and listeners of whom some
//! break off again and again: everybody hears every change once, in one order, which is that of commits.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use model::{FieldId, Model, System, Value as Cell};
use serde_json::{Value, json};
use store::{Insert, Write};
use testkit::on_both_engines;
use tokio::task::JoinSet;
use uuid::Uuid;
use wire::Caller;

use super::ear::{Ear, Heard};
use crate::world::World;

const WRITERS: u64 = 16;
const BUDGET: Duration = Duration::from_secs(4);
/// Fewer changes than these prove nothing.
const LEAST: usize = 400;

/// What a listener can know of a change.
type Known = (String, String, u64);

/// Numbers by chance, the same in every run as far as the writer itself goes.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

/// One transaction: what it changed, and moments before it began and after it had committed.
struct Done {
    changes: Vec<Known>,
    begun: u64,
    committed: u64,
}

/// Moments in order, whatever the clock says.
#[derive(Default)]
struct Moments(AtomicU64);

impl Moments {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

struct Writer {
    world: Arc<World>,
    moments: Arc<Moments>,
    chance: Chance,
    name: String,
    made: u64,
    /// Own records and their versions.
    own: Vec<(String, u64)>,
    done: Vec<Done>,
}

impl Writer {
    async fn run(mut self) -> Vec<Done> {
        let end = Instant::now() + BUDGET;
        while Instant::now() < end {
            let begun = self.moments.next();
            let changes = match self.chance.below(6) {
                0 => self.create().await,
                1 => self.update().await,
                2 => self.delete().await,
                3 => self.together().await,
                4 => self.many().await,
                _ => self.slow().await,
            };
            if !changes.is_empty() {
                let committed = self.moments.next();
                self.done.push(Done {
                    changes,
                    begun,
                    committed,
                });
            }
        }
        self.done
    }

    async fn call(&self, node: &str, input: Value) -> Value {
        let answered = self.world.call(&self.world.admin, node, "", input).await;
        answered
            .unwrap_or_else(|problem| panic!("{node}: {problem:?}"))
            .1
    }

    fn person(&mut self) -> Value {
        self.made += 1;
        json!({"name": format!("{} {}", self.name, self.made)})
    }

    fn came(&mut self, id: &str) -> Known {
        self.own.push((id.to_owned(), 1));
        (id.to_owned(), "create".to_owned(), 1)
    }

    async fn create(&mut self) -> Vec<Known> {
        let person = self.person();
        let made = self.call("Person.create", person).await;
        vec![self.came(made["id"].as_str().unwrap())]
    }

    async fn update(&mut self) -> Vec<Known> {
        let Some((id, version)) = self.own.pop() else {
            return self.create().await;
        };
        let mut change = self.person();
        change["id"] = json!(id);
        self.call("Person.update", change).await;
        self.own.push((id.clone(), version + 1));
        vec![(id, "update".to_owned(), version + 1)]
    }

    async fn delete(&mut self) -> Vec<Known> {
        let Some((id, version)) = self.own.pop() else {
            return self.create().await;
        };
        self.call("Person.delete", json!({"id": id})).await;
        vec![(id, "delete".to_owned(), version)]
    }

    async fn together(&mut self) -> Vec<Known> {
        let count = 1 + self.chance.below(4);
        let ops: Vec<_> = (0..count)
            .map(|_| json!({"node": "Person.create", "input": self.person()}))
            .collect();
        let done = self.call("tx", json!({"ops": ops})).await;
        let records = done["results"].as_array().unwrap().iter();
        let ids: Vec<_> = records
            .map(|result| result["record"]["id"].as_str().unwrap())
            .collect();
        ids.into_iter().map(|id| self.came(id)).collect()
    }

    async fn many(&mut self) -> Vec<Known> {
        let count = 1 + self.chance.below(20);
        let people: Vec<_> = (0..count).map(|_| self.person()).collect();
        let made = self.call("Person.bulk_create", json!(people)).await;
        let records = made.as_array().unwrap().iter();
        let ids: Vec<_> = records
            .map(|record| record["id"].as_str().unwrap())
            .collect();
        // In the order of the call, which is the order of the statement.
        ids.into_iter().map(|id| self.came(id)).collect()
    }

    /// Held open after it has written, so that others which began later commit before. One in four is given up.
    async fn slow(&mut self) -> Vec<Known> {
        let model = self.world.models.get("Person").unwrap();
        let mut tx = self.world.store.begin(None).await.unwrap();
        let mut ids = Vec::new();
        for _ in 0..=self.chance.below(3) {
            self.made += 1;
            let name = format!("{} {}", self.name, self.made);
            let (id, insert) = insert(model, &name);
            tx.write(&insert).await.unwrap();
            tokio::time::sleep(Duration::from_millis(self.chance.below(15))).await;
            ids.push(id.to_string());
        }
        if self.chance.below(4) == 0 {
            tx.rollback().await.unwrap();
            return Vec::new();
        }
        tx.commit().await.unwrap();
        ids.iter().map(|id| self.came(id)).collect()
    }
}

fn insert(model: &Arc<Model>, name: &str) -> (Uuid, Write) {
    let id = Uuid::now_v7();
    let cell = |field: &model::Field| match field.system {
        None => Cell::Text(name.to_owned()),
        Some(System::Id) => Cell::Uuid(id),
        Some(System::CreatedAt | System::UpdatedAt) => Cell::Timestamp(jiff::Timestamp::UNIX_EPOCH),
        Some(System::Version) => Cell::Int(1),
        Some(_) => Cell::Null,
    };
    let insert = Insert {
        model: Arc::clone(model),
        fields: model.ids().map(|(id, _)| id).collect::<Vec<FieldId>>(),
        rows: vec![model.fields.iter().map(cell).collect()],
        guards: Vec::new(),
        conflict: None,
        returning: Vec::new(),
    };
    (id, Write::Insert(insert))
}

/// Hears until the record `end` comes. So many changes at most, by chance, then the connection breaks.
async fn listen(
    world: Arc<World>,
    who: Caller,
    since: String,
    end: String,
    patience: Option<u64>,
) -> (Vec<Known>, u64) {
    let mut luck = Chance(7 + patience.unwrap_or_default());
    let mut heard = Vec::new();
    let mut since = since;
    let mut breaks = 0;
    loop {
        let query = format!("model=Person&since={since}");
        let mut ear = Ear::open(&world, &who, &query).await.unwrap();
        let mut left = patience.map(|most| 1 + luck.below(most));
        while left != Some(0) {
            let change = match ear.word().await {
                Heard::Change(change) => change,
                other => panic!("{other:?}"),
            };
            since.clone_from(&ear.last);
            left = left.map(|left| left - 1);
            let text = |name: &str| change[name].as_str().unwrap().to_owned();
            let known = (text("id"), text("op"), change["version"].as_u64().unwrap());
            if known.0 == end {
                return (heard, breaks);
            }
            heard.push(known);
        }
        breaks += 1;
    }
}

/// The last change of all, which is not among those that are compared.
async fn end(world: &World, id: Uuid) {
    let model = world.models.get("Person").unwrap();
    let (_, Write::Insert(mut last)) = insert(model, "end") else {
        panic!("it is an insert");
    };
    last.rows[0][FieldId::ID.index()] = Cell::Uuid(id);
    world.store.write(Write::Insert(last), None).await.unwrap();
}

/// Every change once, each transaction whole, and none before one that had committed when it began.
fn check(heard: &[Known], done: &[Done]) {
    let mut whose = HashMap::new();
    for (index, transaction) in done.iter().enumerate() {
        for change in &transaction.changes {
            assert_eq!(
                whose.insert(change, index),
                None,
                "{change:?} was made twice"
            );
        }
    }
    let (mut last, mut latest) = (None, 0);
    let mut left: Vec<_> = done.iter().map(|done| done.changes.len()).collect();
    for change in heard {
        let index = whose
            .remove(change)
            .unwrap_or_else(|| panic!("{change:?} came twice, or never was"));
        if last != Some(index) {
            assert!(
                last.is_none_or(|last| left[last] == 0),
                "a transaction is told in parts"
            );
            let committed = done[index].committed;
            assert!(
                committed >= latest,
                "{change:?} came after what began later"
            );
        }
        latest = latest.max(done[index].begun);
        left[index] -= 1;
        last = Some(index);
    }
    assert_eq!(whose.len(), 0, "some were never told");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_heard_once_in_the_order_of_commits() {
    on_both_engines(async |database| {
        let world = Arc::new(World::new(&database).await);
        let since = super::place(&world).await;
        let last = Uuid::now_v7();
        let mut ears = JoinSet::new();
        for (who, patience) in [
            (world.admin.clone(), None),
            (Caller::Anonymous, None),
            (Caller::Anonymous, Some(12)),
            (world.admin.clone(), Some(40)),
            (Caller::Anonymous, Some(200)),
        ] {
            let (world, since) = (Arc::clone(&world), since.clone());
            ears.spawn(listen(world, who, since, last.to_string(), patience));
        }
        let moments = Arc::new(Moments::default());
        let mut writers = JoinSet::new();
        for number in 1..=WRITERS {
            let writer = Writer {
                world: Arc::clone(&world),
                moments: Arc::clone(&moments),
                chance: Chance(number * 0x9e37_79b9),
                name: format!("w{number}"),
                made: 0,
                own: Vec::new(),
                done: Vec::new(),
            };
            writers.spawn(writer.run());
        }
        let done: Vec<_> = writers.join_all().await.into_iter().flatten().collect();
        end(&world, last).await;
        let mut ears = ears.join_all().await;
        let breaks: u64 = ears.iter().map(|(_, breaks)| breaks).sum();
        let (first, _) = ears.pop().unwrap();
        println!(
            "{}: {} changes in {} transactions, {breaks} broken connections",
            database.engine_name(),
            first.len(),
            done.len()
        );
        check(&first, &done);
        for (other, _) in ears {
            assert!(other == first, "two listeners hear another order");
        }
        assert!(
            first.len() >= LEAST,
            "{} are fewer than {LEAST}",
            first.len()
        );
    })
    .await;
}
