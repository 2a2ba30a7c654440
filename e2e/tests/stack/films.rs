//! What a person does with it: films over https, through a restart of everything.

use serde_json::{Value, json};

use crate::prod;

fn create(title: &str) -> Value {
    let film = json!({"title": title});
    let made = prod()
        .edge
        .request("POST", "/api/v1/film", &[], Some(&film))
        .unwrap();
    assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    made.json().unwrap()
}

fn title_of(id: &Value) -> Value {
    let path = format!("/api/v1/film/{}", id.as_str().unwrap());
    prod().get(&path).json().unwrap()["title"].take()
}

#[test]
fn films_are_behind_https_and_one_that_is_made_lives_through_down_and_up() {
    let stack = prod();
    let found = stack.get("/api/v1/film?limit=1&select=title");
    assert_eq!(found.status, 200);
    assert!(found.header("strict-transport-security").is_some());
    assert!(found.header("x-request-id").is_some());
    let count = stack
        .edge
        .request(
            "GET",
            "/api/v1/film?limit=1",
            &[("Prefer", "count=exact")],
            None,
        )
        .unwrap();
    let range = count.header("content-range").unwrap_or_default().to_owned();
    assert!(
        range.ends_with("/3201") || range.ends_with("/3202"),
        "{range}"
    );

    let made = create("Down and Up");
    assert_eq!(title_of(&made["id"]), "Down and Up");
    stack.gantry(&["down"]).unwrap();
    assert_eq!(stack.containers("api").len(), 0);
    stack
        .gantry(&["up", "--stack", "prod", "--no-build"])
        .unwrap();
    assert_eq!(title_of(&made["id"]), "Down and Up");
    let gone = format!("/api/v1/film/{}", made["id"].as_str().unwrap());
    let gone = stack.edge.request("DELETE", &gone, &[], None).unwrap();
    assert!(gone.status < 300, "{}", gone.status);
}

#[test]
fn http_is_sent_to_https() {
    let answer = e2e::request(prod().ports.http, "GET", "/api/v1/film?limit=1", &[], None).unwrap();
    assert_eq!(answer.status, 308);
    let to = format!(
        "https://127.0.0.1:{}/api/v1/film?limit=1",
        prod().ports.https
    );
    assert_eq!(answer.header("location"), Some(to.as_str()));
}

#[test]
fn nobody_without_a_key_changes_anything() {
    let certificate = prod().folder.join(".gantry/secrets/edge_certificate");
    let stranger = e2e::Edge::new(prod().ports.https, &certificate, "gk_unknown_unknown").unwrap();
    let refused = stranger
        .request("POST", "/api/v1/film", &[], Some(&json!({"title": "x"})))
        .unwrap();
    assert_eq!(refused.status, 401);
}
