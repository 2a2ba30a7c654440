//! Names in expressions, and the arguments of what is called.

use super::wrong;

#[test]
fn a_name_that_leads_nowhere_is_told_where_it_stands() {
    let read = "{ id: before, node: Film.read, with: { id: \"{{ inputs.film }}\" } }";
    for (step, expected) in [
        (
            "if: '{{ before.ratign }}'\n  node: log\n  with: { message: x }",
            "ratign: `before` is a Film (models/film.yaml), which has no field `ratign` (did you mean `rating`?)",
        ),
        (
            "{ node: log, with: { message: 'It is {{ before.rating }} or {{ befor.title }}' } }",
            "befor: `befor` is not known here (did you mean `before`?)",
        ),
        (
            "{ node: log, with: { message: '{{ inputs.flim }}' } }",
            "flim: `inputs` has no `flim` (did you mean `film`?)",
        ),
        (
            "{ node: log, with: { message: '{{ film }}' } }",
            "film: `film` is not known here (write inputs.film)",
        ),
        (
            "{ id: ok, approve: { message: x } }\n- { node: log, with: { message: '{{ ok.form.price }}' } }",
            "form: `ok` has no `form` (it has approved, by, note)",
        ),
        (
            "{ id: ok, approve: { message: x, of: model } }\n- { node: log, with: { message: '{{ ok.form.text }} {{ ok.form.txt }}' } }",
            "txt: `ok.form` has no `txt` (did you mean `text`?)",
        ),
        (
            "{ id: ok, approve: { message: x, of: roots, tokens: 7 } }\n- { id: say, node: log, with: { message: '{{ ok.form.roots[0].uri }}' } }\n- { node: log, with: { message: '{{ say.message }} {{ say.mesage }}' } }",
            "tokens: `tokens` goes with `of: model` only\nmesage: `say` has no `mesage` (did you mean `message`?)",
        ),
        (
            "{ id: ok, approve: { message: x, form: { price: { type: decimal } } } }\n- { node: log, with: { message: '{{ ok.form.prize }} {{ ok.form.price > 7 }}' } }",
            "prize: `ok.form` has no `prize` (did you mean `price`?)\nprice: `ok.form.price` is a decimal, which is a text here (write |decimal on both sides, and numbers as 7|decimal)",
        ),
        (
            "{ node: log, with: { message: '{{ run.ended_at }}' } }",
            "ended_at: `run` has no `ended_at` (it has id, workflow, started_at)",
        ),
        (
            "{ node: log, with: { message: '{{ before.title.x }}' } }",
            "x: `before.title` is text, which has no `x`",
        ),
        (
            "{ node: log, with: { message: '{{ now() }}' } }",
            "now: there is no function `now` (a run is the same each time: use run.started_at)",
        ),
        (
            "{ node: log, with: { message: '{{ before.title.upper() }}' } }",
            "upper: values have no methods here (did you mean `upper`?)",
        ),
        (
            "{ node: log, with: { message: '{{ before.title|uper }}' } }",
            "uper: there is no filter `uper` (did you mean `upper`?)",
        ),
        (
            "{ node: log, with: { message: '{{ before.title is strin }}' } }",
            "strin: there is no test `strin` (did you mean `string`?)",
        ),
        (
            "{ node: log, with: { message: '{{ before.rating|decimal > 7 }}' } }",
            "decimal: a decimal compares with decimals only (write |decimal on both sides)",
        ),
        (
            "{ node: log, with: { message: '{{ before.rating > 7 }}' } }",
            "rating: `before.rating` is a decimal, which is a text here (write |decimal on both sides, and numbers as 7|decimal)",
        ),
        (
            "{ node: log, with: { message: '{{ 1 < before.votes < inputs.rating }}' } }",
            "rating: `inputs.rating` is a decimal, which is a text here (write |decimal on both sides, and numbers as 7|decimal)",
        ),
        (
            "{ node: log, with: { message: '{{ 7 == before.rating }}' } }",
            "rating: `before.rating` is a decimal, which is a text here (write |decimal on both sides, and numbers as 7|decimal)",
        ),
        (
            "{ node: log, with: { message: '{{ before.rating == none or before.rating != inputs.rating or before.votes > 7 or before.rating|decimal > 7|decimal }}' } }",
            "",
        ),
        (
            "{ node: log, with: { message: '{{ later }}' } }\n- { id: later, node: emit, with: { name: x } }",
            "later: the answer of the step `later` is not known here (it comes later, or stands within another step)",
        ),
        (
            "{ node: log, with: { message: '{{ before. }}' } }",
            "before.: this is no expression: unexpected end of input, expected identifier or integer",
        ),
        (
            "{ node: log, with: { message: '{{ before' } }",
            "'{{ before' : `{{` is not closed by `}}`",
        ),
        (
            "{ node: log, with: { message: '{% if x %}' } }",
            "'{% if x %}' : statements (`{% … %}`) are not read here, only expressions",
        ),
        (
            "{ if: before.title, node: log, with: { message: x } }",
            "before.title: `if` is one expression (write if: \"{{ before.title }}\")",
        ),
        (
            "{ if: 'a {{ before.title }}', node: log, with: { message: x } }",
            "'a {{ before.title }}': `if` is one expression (write all of it between one {{ and }})",
        ),
        (
            "{ each: '{{ [before] }}', steps: [{ id: x, node: log, with: { message: '{{ item.title }}{{ index }}{{ indx }}' } }] }",
            "indx: `indx` is not known here (did you mean `index`?)",
        ),
        (
            "{ id: films, node: Film.list, with: { select: [title] } }\n- { node: log, with: { message: '{{ films.title }}{{ films[0].rating }}{{ (films|first).title }}' } }",
            "title: `films` is a list, which has no `title` (write films[0].title for its first, or go through it with a step `each`)\nrating: `films[0]` has no `rating` (it has title)",
        ),
        (
            "{ id: all, each: '{{ [1] }}', steps: [{ id: x, node: Film.count }] }\n- { node: log, with: { message: '{{ all[0].cuont }} {{ x }}' } }",
            "cuont: `all[0]` has no `cuont` (did you mean `count`?)\nx: the answer of the step `x` is not known here (it comes later, or stands within another step)",
        ),
        (
            "{ id: t, try: [{ id: made, node: Film.read, with: { id: '{{ inputs.film }}' } }], catch: [{ node: log, with: { message: '{{ made.title }} {{ problem.kode }}' } }] }\n- { node: log, with: { message: '{{ problem }}' } }",
            "kode: `problem` has no `kode` (did you mean `code`?)\nproblem: `problem` is not known here (known here: inputs, caller, session, run, before, t)",
        ),
        (
            "{ id: p, parallel: { l: [{ id: a, node: Film.count }], r: [{ id: b, node: log, with: { message: '{{ a }}' } }] } }\n- { node: log, with: { message: '{{ p.l.count }}{{ p.m }}' } }",
            "a: the answer of the step `a` is not known here (it comes later, or stands within another step)\nm: `p` has no `m` (did you mean `l`?)",
        ),
    ] {
        assert_eq!(wrong(&[read, step]), expected, "{step}");
    }
}

#[test]
fn a_call_that_its_node_would_refuse_is_told() {
    for (step, expected) in [
        (
            "{ node: Flim.read, with: { id: x } }",
            "Flim.read: there is no node `Flim.read` (did you mean `Film.read`?)",
        ),
        (
            "{ node: Film.raed }",
            "Film.raed: Film (models/film.yaml) has no node `raed` (did you mean `read`?)",
        ),
        (
            "{ node: Film.restore, with: { id: x } }",
            "Film.restore: Film (models/film.yaml) has no node `restore` (its model would say options: { soft_delete: true })",
        ),
        (
            "{ node: Person.search, with: { q: x } }",
            "Person.search: Person (models/person.yaml) has no node `search` (its model would say search: true of a text)",
        ),
        (
            "{ node: http.requst, with: { url: x } }",
            "http.requst: there is no node `http.requst` (did you mean `http.request`?)",
        ),
        (
            "{ node: changes }",
            "changes: `changes` is no node for a step (write triggers: [{ change: Film }])",
        ),
        (
            "{ node: workflow.other }",
            "workflow.other: a workflow is called by a step of its own kind (write workflow: other)",
        ),
        (
            "{ node: Film.read }",
            "{ : Film.read needs `id` (write with: { id: … })",
        ),
        (
            "{ node: Film.read, with: { id: x } }",
            "x: id must be a UUID like 018f3c2e-7b1a-7c3d-9e4f-5a6b7c8d9e0f, not `x`",
        ),
        (
            "{ node: Film.read, with: { id: '{{ inputs.film }}', selct: [title] } }",
            "selct: Film.read takes no `selct` (did you mean `select`?)",
        ),
        (
            "{ node: Film.read, with: { id: '{{ inputs.film }}', select: [titel] } }",
            "titel: Film (models/film.yaml) has no field `titel` (did you mean `title`?)",
        ),
        (
            "{ node: Film.create, with: { titel: x } }",
            "{ : Film needs `title` (write title: …)\ntitel: Film (models/film.yaml) has no field `titel` (did you mean `title`?)",
        ),
        (
            "{ node: Film.create, with: { title: 1984 } }",
            "1984: title must be a string (put it in quotes: \"1984\")",
        ),
        (
            "{ node: Film.create, with: { title: x, genre: dramma } }",
            "dramma: genre is one of drama, comedy, not `dramma` (did you mean `drama`?)",
        ),
        (
            "{ node: Film.create, with: { title: x, rating: 11 } }",
            "11: rating is at most 10",
        ),
        (
            "{ node: Film.create, with: { title: x, rating: 7.50 } }",
            "7.50: `7.50` would become 7.5 (put it in quotes, or write 7.5)",
        ),
        (
            "{ node: Film.create, with: { title: ~ } }",
            "~: title must not be null",
        ),
        (
            "{ node: Film.create, with: { title: x, created_at: x } }",
            "created_at: `created_at` is a column that the platform writes (leave it out)",
        ),
        (
            "{ node: Film.update, with: { rating: 7 } }",
            "{ : Film.update needs `id` (write with: { id: … })",
        ),
        (
            "{ node: Film.upsert, with: { on: [title], values: { title: x } } }",
            "[: Film is not known by title (write on: [title, released] or [id])",
        ),
        (
            "{ node: Film.list, with: { where: { ratign: { gte: 7 } } } }",
            "ratign: Film (models/film.yaml) has no field `ratign` (did you mean `rating`?)",
        ),
        (
            "{ node: Film.list, with: { where: { rating: { gtee: '{{ inputs.rating }}' }, votes: { gte: x } } } }",
            "gtee: `gtee` is no operator (did you mean `gte`?)\ngte: votes must be a whole number, not `x`",
        ),
        (
            "{ node: Film.list, with: { where: { or: [{ ratign: '{{ inputs.rating }}' }], not: { votes: { not: { gtx: '{{ 1 }}' } } } } } }",
            "ratign: Film (models/film.yaml) has no field `ratign` (did you mean `rating`?)\ngtx: `gtx` is no operator (did you mean `gt`?)",
        ),
        (
            "{ node: Film.list, with: { order: released } }",
            "released: `order` is a list (write order: [released.desc])",
        ),
        (
            "{ node: Film.list, with: { order: [tags] } }",
            "tags: tags is a list of text and has no order",
        ),
        (
            "{ node: Film.list, with: { limit: many } }",
            "many: this must be a whole number",
        ),
        (
            "{ node: Film.list, with: [1] }",
            "[: this is a map of the node's arguments (write { name: value })",
        ),
        (
            "{ node: Film.bulk_create, with: { records: [{ title: x }, { titel: x }] } }",
            "{ : Film needs `title` (write title: …)\ntitel: Film (models/film.yaml) has no field `titel` (did you mean `title`?)",
        ),
        (
            "{ node: http.request, with: { methd: GET } }",
            "{ : http.request needs `url` (write with: { url: … })\nmethd: http.request takes no `methd` (did you mean `method`?)",
        ),
        (
            "{ node: http.request, with: { url: 'https://{{ inputs.film }}', method: GETT, headers: [x] } }",
            "GETT: `method` of http.request must be one of GET, HEAD, POST, PUT, PATCH, DELETE (did you mean `GET`?)\n[: `headers` of http.request must be a map",
        ),
        (
            "{ node: http.request, with: { url: x, timeout: soon } }",
            "soon: `timeout` of http.request must be a time like 500ms, 30s or 5m",
        ),
        (
            "{ node: llm.chat, with: { system: x } }",
            "{ : llm.chat needs `messages` or `prompt` (write with: { messages: … })",
        ),
        (
            "{ node: tx, with: { op: [] } }",
            "{ : tx needs `ops` (write with: { ops: … })\nop: tx takes no `op` (did you mean `ops`?)",
        ),
        (
            "{ workflow: othr }",
            "othr: there is no workflow `othr` (did you mean `other`?)",
        ),
        (
            "{ workflow: other }",
            "{ : other (workflows/other.yaml) needs `film` (write film: …)",
        ),
        (
            "{ id: o, workflow: other, with: { film: '{{ inputs.film }}', mots: 3, most: x } }\n- { node: log, with: { message: '{{ o.don }}' } }",
            "mots: other (workflows/other.yaml) has no input `mots` (did you mean `most`?)\nx: most must be a whole number, not `x`\ndon: `o` has no `don` (did you mean `done`?)",
        ),
    ] {
        assert_eq!(wrong(&[step]), expected, "{step}");
    }
}
