//! Descriptions, resources, prompts and completion.

use serde_json::{Value, json};

use crate::world::everywhere;

#[tokio::test(flavor = "multi_thread")]
async fn models_are_described() {
    everywhere(async |world| {
        let all = world.done("models_describe", json!({})).await;
        let names: Vec<_> = all["models"].as_array().unwrap().iter().map(|model| &model["name"]).collect();
        assert_eq!(names, ["Film", "Person"]);
        assert!(all["models"][0]["fields"].is_null());
        let one = world.done("models_describe", json!({"model": "Film"})).await;
        let fields = one["models"][0]["fields"].as_array().unwrap();
        let title = fields.iter().find(|field| field["name"] == "title").unwrap();
        assert_eq!(*title, json!({"name": "title", "type": "text", "max_length": 60, "required": true, "unique": true, "searched": true}));
        let director = fields.iter().find(|field| field["name"] == "director").unwrap();
        assert_eq!(director["ref"], "Person");
        assert_eq!(world.refused("models_describe", json!({"model": "Flim"})).await.0, "invalid_input");
        let (seen, _) = world.tool(&world.reader, "models_describe", json!({"model": "Film"})).await;
        let may = seen["models"][0]["may"].as_array().unwrap();
        assert!(may.contains(&json!("list")) && !may.contains(&json!("create")), "{may:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_health_and_migrations_are_resources() {
    everywhere(async |world| {
        let listed = world
            .result(&world.writer, "resources/list", json!({}))
            .await;
        let uris: Vec<_> = listed["resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["uri"].as_str().unwrap())
            .collect();
        assert!(
            uris.contains(&"gantry://models/Film") && uris.contains(&"gantry://health"),
            "{uris:?}"
        );
        for uri in uris {
            let read = world
                .result(&world.writer, "resources/read", json!({"uri": uri}))
                .await;
            let text = read["contents"][0]["text"].as_str().unwrap();
            let _: Value = serde_json::from_str(text).unwrap();
        }
        let read = world
            .result(
                &world.writer,
                "resources/read",
                json!({"uri": "gantry://models/Film"}),
            )
            .await;
        let film: Value =
            serde_json::from_str(read["contents"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(film["schema"]["properties"]["title"]["maxLength"], 60);
        let told = world
            .request(
                &world.writer,
                "resources/read",
                json!({"uri": "gantry://models/Fil"}),
                json!({}),
            )
            .await;
        let message = told.json();
        assert_eq!(message["error"]["code"], -32602, "{message}");
        assert!(
            message.to_string().contains("gantry://models/Film"),
            "{message}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_are_filled_and_names_completed() {
    everywhere(async |world| {
        let listed = world.result(&world.reader, "prompts/list", json!({})).await;
        for prompt in listed["prompts"].as_array().unwrap() {
            let mut arguments = json!({"model": "Film"});
            for argument in prompt["arguments"].as_array().unwrap() {
                let name = argument["name"].as_str().unwrap();
                if name != "model" {
                    arguments[name] = json!("Which film earned most?");
                }
            }
            let params = json!({"name": prompt["name"], "arguments": arguments});
            let filled = world.result(&world.reader, "prompts/get", params).await;
            assert!(filled["messages"][0]["content"]["text"].as_str().unwrap().contains("Film"));
        }
        for (name, arguments) in [("explore", json!({})), ("explore", json!({"model": "Flim"})), ("nothing", json!({}))] {
            let told = world.request(&world.reader, "prompts/get", json!({"name": name, "arguments": arguments}), json!({})).await;
            assert_eq!(told.json()["error"]["code"], -32602);
        }
        let complete = async |of: Value, argument: &str, typed: &str| {
            let params = json!({"ref": of, "argument": {"name": argument, "value": typed}, "context": {"arguments": {"model": "Film"}}});
            world.result(&world.reader, "completion/complete", params).await["completion"]["values"].take()
        };
        let prompt = json!({"type": "ref/prompt", "name": "explore"});
        assert_eq!(complete(prompt.clone(), "model", "p").await, json!(["Person"]));
        assert_eq!(complete(prompt, "field", "GRO").await, json!(["gross"]));
        let resource = json!({"type": "ref/resource", "uri": "gantry://models/{model}"});
        assert_eq!(complete(resource, "model", "").await, json!(["Film", "Person"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_models_cost_an_agent_little() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("models")).unwrap();
    for number in 0..20 {
        let name = format!("RecordOfKind{number}");
        let text = format!(
            "model: {name}\nabout: Something of a kind.\nfields:\n  title: {{ type: text, search: true }}\n  size: {{ type: int }}\n"
        );
        std::fs::write(folder.path().join(format!("models/{name}.yaml")), text).unwrap();
    }
    let database = format!("sqlite:{}", folder.path().join("data.db").display());
    let settings = dataflow::Settings::embedded(folder.path().to_owned(), Some(database));
    let app = dataflow::App::connect(&settings).await.unwrap();
    let catalogue = app.calls().catalogue(&app.local_admin()).await.unwrap();
    let list = mcp_face::tool_list(&catalogue, None, true).unwrap();
    assert!(list.tools.len() <= 16, "{}", list.tools.len());
    assert!(list.tokens <= 6_000, "{}", list.tokens);
    app.close().await;
}
