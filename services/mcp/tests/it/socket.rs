//! The service on a socket of its own, asked byte by byte: what a client library would not let one send.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mcp_face::Settings;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::Calls;

const AT_MOST: Duration = Duration::from_mins(1);
/// What a browser asks for a WebSocket with (RFC 6455, 1.3).
const UPGRADE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                       sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const MESSAGE: &str =
    "content-type: application/json\r\naccept: application/json, text/event-stream\r\n";

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
    stream: BufReader<TcpStream>,
}

impl Server {
    pub(crate) async fn start(calls: &Arc<dyn Calls>, settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = mcp::App::new(Arc::clone(calls), settings);
        let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(mcp::serve(listener, app, stopping.clone()));
        Self {
            address,
            stopping,
            tasks,
        }
    }

    pub(crate) async fn stop(self) {
        self.stopping.cancel();
        self.tasks.close();
        timeout(AT_MOST, self.tasks.wait()).await.unwrap();
    }

    /// `METHOD path` with exactly these headers, and those of an upgrade for `/ws`.
    pub(crate) async fn ask(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let own = if line.contains("/ws") {
            UPGRADE.to_owned()
        } else {
            let length = body.len();
            format!("{MESSAGE}content-length: {length}\r\n")
        };
        let headers = headers.iter();
        let headers: Vec<String> = headers
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let request = format!("{line} HTTP/1.1\r\n{}{own}\r\n{body}", headers.concat());
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        timeout(AT_MOST, Answer::read(stream)).await.unwrap()
    }
}

impl Answer {
    async fn read(stream: TcpStream) -> Self {
        let mut stream = BufReader::new(stream);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let status = lines[0].split(' ').nth(1).unwrap().parse().unwrap();
        let pair = |line: &String| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_lowercase(), value.trim().to_owned())
        };
        let mut answer = Self {
            status,
            headers: lines[1..].iter().map(pair).collect(),
            text: String::new(),
            stream,
        };
        // A body without a length is a stream, of which nobody here wants to know.
        if let Some(length) = answer.header("content-length") {
            let mut body = vec![0; length.parse().unwrap()];
            answer.stream.read_exact(&mut body).await.unwrap();
            answer.text = String::from_utf8(body).unwrap();
        }
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// One message over the WebSocket that this is the beginning of, and the answer to it.
    pub(crate) async fn message(&mut self, message: &Value) -> Value {
        self.send(message).await;
        loop {
            let told = timeout(AT_MOST, self.frame()).await.unwrap();
            if told["id"] == message["id"] {
                return told;
            }
        }
    }

    /// One message that has no answer.
    pub(crate) async fn send(&mut self, message: &Value) {
        assert_eq!(self.status, 101, "{}", self.text);
        let text = message.to_string();
        let length = u16::try_from(text.len()).unwrap().to_be_bytes();
        // Final, text; masked, with a mask of zeros, and a length of two bytes.
        let mut frame = vec![0x81, 0x80 | 0x7e];
        frame.extend(length);
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.stream.write_all(&frame).await.unwrap();
    }

    /// What has come by now, without waiting.
    pub(crate) fn what_is_there(self) -> Vec<u8> {
        let mut stream = self.stream.into_inner().into_std().unwrap();
        let mut bytes = vec![0; 1024];
        let read = std::io::Read::read(&mut stream, &mut bytes).unwrap();
        bytes.truncate(read);
        bytes
    }

    pub(crate) async fn frame(&mut self) -> Value {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head).await.unwrap();
        assert_eq!(head[0], 0x81, "a whole text");
        let length = match head[1] {
            126 => usize::from(self.stream.read_u16().await.unwrap()),
            127 => usize::try_from(self.stream.read_u64().await.unwrap()).unwrap(),
            short => usize::from(short),
        };
        let mut text = vec![0; length];
        self.stream.read_exact(&mut text).await.unwrap();
        serde_json::from_slice(&text).unwrap()
    }
}
