//! Runs that wait for somebody: signals, decisions, an end.

use serde_json::{Value, json};

use crate::world::{FILMS, everywhere};

const PAID: &str = "
workflow: paid
steps:
  - { id: first, wait: { signal: paid } }
  - { id: second, wait: { signal: paid } }
  - { id: film, node: Film.create, with: { title: '{{ first.by }} {{ second.by }}' } }
outputs: '{{ film.title }}'
";
const PUBLISH: &str = "
workflow: publish
inputs: { title: { type: text } }
steps:
  - id: ok
    approve:
      message: 'Publish {{ inputs.title }}?'
      role: editor
      form: { rating: { type: int, min: 0, max: 10, required: true, about: Your own. } }
  - { id: film, node: Film.create, with: { title: '{{ inputs.title }}', rating: '{{ ok.form.rating }}' } }
outputs: { by: '{{ ok.by }}', note: '{{ ok.note }}', rating: '{{ film.rating }}' }
";
const TIDY: &str = "
workflow: tidy
steps:
  - id: guarded
    try: [{ id: pause, wait: 1h }]
    finally: [{ id: film, node: Film.create, with: { title: tidied } }]
";
const PARENT: &str = "
workflow: parent
steps: [{ id: called, workflow: tidy, with: {} }]
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_are_taken_in_order_and_once() {
    everywhere(&[PAID, FILMS], async |world| {
        let id = world.start("paid", Value::Null).await;
        world.until(&id, "waiting").await;
        for (name, by) in [("other", "x"), ("paid", "anna"), ("paid", "ben")] {
            let body = json!({"name": name, "payload": {"by": by}});
            let told = world.post(&format!("/runs/{id}:signal"), body).await;
            assert_eq!(told.status, 200, "{}", told.text);
        }
        let run = world.until(&id, "succeeded").await;
        assert_eq!(run["output"], "anna ben");
        let told = world
            .post(&format!("/runs/{id}:signal"), json!({"name": "paid"}))
            .await;
        assert_eq!(told.status, 422, "{}", told.text);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_of_the_role_decides() {
    everywhere(&[PUBLISH, FILMS], async |world| {
        let editor = format!("Bearer {}", world.editor);
        let editor = [("authorization", editor.as_str())];
        let id = world.start("publish", json!({"title": "Alien"})).await;
        world.until(&id, "waiting").await;
        let line = format!("POST /runs/{id}:approve");
        let steps = world.get(&format!("/runs/{id}/steps")).await;
        let form = &steps[0]["note"]["form"];
        assert_eq!(form["properties"]["rating"]["description"], "Your own.");
        let yes =
            |form: Value| json!({"step": "ok", "approved": true, "note": "fine", "form": form});
        let told = world.ask(&line, &editor, &yes(json!({"rating": 11}))).await;
        assert_eq!(told.problem(), (422, "invalid_input".to_owned()));
        assert_eq!(told.json()["errors"][0]["pointer"], "/form/rating");
        let told = world.ask(&line, &editor, &yes(json!({"rating": 7}))).await;
        assert_eq!(told.status, 200, "{}", told.text);
        let run = world.until(&id, "succeeded").await;
        assert_eq!(run["output"]["note"], "fine");
        assert_eq!(run["output"]["rating"], 7);

        let id = world.start("publish", json!({"title": "Brazil"})).await;
        world.until(&id, "waiting").await;
        let no = json!({"step": "ok", "approved": false});
        let told = world
            .ask(&format!("POST /runs/{id}:approve"), &editor, &no)
            .await;
        assert_eq!(told.status, 200, "{}", told.text);
        let run = world.until(&id, "failed").await;
        assert_eq!(run["problem"]["code"], "not_approved");
        assert_eq!(
            (world.count("Alien").await, world.count("Brazil").await),
            (1, 0)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_cancelled_tidies_up_and_so_do_those_it_called() {
    everywhere(&[TIDY, PARENT, FILMS], async |world| {
        let id = world.start("tidy", Value::Null).await;
        world.until(&id, "waiting").await;
        let told = world.post(&format!("/runs/{id}:cancel"), Value::Null).await;
        assert_eq!(told.status, 200, "{}", told.text);
        world.until(&id, "cancelled").await;
        assert_eq!(world.count("tidied").await, 1);

        let id = world.start("parent", Value::Null).await;
        world.until(&id, "waiting").await;
        let child = world.get("/runs?workflow=tidy&limit=1").await;
        let child = child[0]["id"].as_str().unwrap().to_owned();
        world.until(&child, "waiting").await;
        world.post(&format!("/runs/{id}:cancel"), Value::Null).await;
        world.until(&child, "cancelled").await;
        world.until(&id, "cancelled").await;
        assert_eq!(world.count("tidied").await, 2);
    })
    .await;
}
