//! The OpenAPI document, held against the router.

use crate::support::{Actor, TestApp};
use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::Value;
use std::collections::BTreeSet;
use tower::ServiceExt as _;

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// One operation of the document.
struct Operation {
    method: Method,
    path: String,
    description: Value,
}

#[tokio::test]
async fn the_document_has_every_route() {
    let document = document().await;
    let lines = operations(&document).into_iter().map(|operation| {
        let id = operation.description["operationId"].as_str().unwrap().to_owned();
        format!("{} {} {id}", operation.method, operation.path)
    });

    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r"
    GET /health get_health
    GET /health/live get_liveness
    GET /health/ready get_readiness
    GET /hello get_hello
    GET /openapi.json get_openapi
    GET /ready get_ready
    POST /v1/auth/login login
    POST /v1/auth/register register
    POST /v1/exports create_export
    GET /v1/exports/{id}/content get_export_content
    POST /v1/imports create_import
    GET /v1/imports/{id}/errors list_import_errors
    GET /v1/jobs list_jobs
    GET /v1/jobs/{id} get_job
    POST /v1/jobs/{id}/cancel cancel_job
    POST /v1/jobs/{id}/retry retry_job
    GET /v1/schedules list_schedules
    GET /v1/tasks list_tasks
    POST /v1/tasks create_task
    DELETE /v1/tasks/{id} delete_task
    GET /v1/tasks/{id} get_task
    PATCH /v1/tasks/{id} update_task
    POST /v1/uploads create_upload
    PUT /v1/uploads/{id}/content put_upload_content
    GET /v1/webhooks list_webhooks
    POST /v1/webhooks create_webhook
    DELETE /v1/webhooks/{id} delete_webhook
    GET /v1/webhooks/{id} get_webhook
    PATCH /v1/webhooks/{id} update_webhook
    GET /v1/webhooks/{id}/deliveries list_webhook_deliveries
    POST /v1/webhooks/{id}/deliveries/{delivery}/replay replay_webhook_delivery
    POST /v1/webhooks/{id}/rotate-secret rotate_webhook_secret
    POST /v1/webhooks/{id}/test test_webhook
    ");
}

/// The macro of `routes.rs` makes the router and the document of one list; a route that is added in another way would be
/// missing from the document.
#[test]
fn routes_are_added_by_the_list_alone() {
    let routes = include_str!("../../../functions/api/src/routes.rs");
    let library = include_str!("../../../functions/api/src/lib.rs");
    let middleware = include_str!("../../../functions/api/src/middleware.rs");
    let list = "Router::new()$(.route($path, routing::$method($module::$handler)))*";
    assert_eq!(routes.matches(list).count(), 1);

    for source in [&routes.replace(list, ""), library, middleware] {
        for call in [".route(", ".route_service(", ".nest(", ".nest_service(", ".merge(", ".fallback_service("] {
            assert!(!source.contains(call), "a route is added with `{call}`");
        }
    }
}

#[tokio::test]
async fn the_router_has_every_route_of_the_document() {
    let app = TestApp::new().await;

    for Operation { method, path, .. } in operations(&document().await) {
        let path = with_ids(&path);
        let request = Request::builder().method(method.clone()).uri(&path).body(Body::empty()).unwrap();
        let answer = app.send(request).await;

        // What needs a token says so before it looks for anything.
        assert!(![404, 405].contains(&answer.status), "{method} {path}: {answer:?}");
    }
}

#[tokio::test]
async fn operations_ask_for_a_token_as_the_document_says() {
    let app = TestApp::new().await;
    let mut open = Vec::new();

    for Operation { method, path, description } in operations(&document().await) {
        let needs_token = match description["security"].as_array().unwrap().as_slice() {
            [Value::Object(schemes)] if schemes.is_empty() => false,
            [Value::Object(schemes)] => schemes.keys().eq(["token"]),
            other => panic!("{method} {path}: {other:?}"),
        };
        let uri = with_ids(&path);
        let request = Request::builder().method(method.clone()).uri(uri).body(Body::empty()).unwrap();
        let answer = app.send(request).await;

        assert_eq!(answer.status == 401, needs_token, "{method} {path}: {answer:?}");
        if !needs_token {
            open.push(path);
        }
    }
    assert_eq!(
        open,
        [
            "/health",
            "/health/live",
            "/health/ready",
            "/hello",
            "/openapi.json",
            "/ready",
            "/v1/auth/login",
            "/v1/auth/register"
        ]
    );
}

#[tokio::test]
async fn every_operation_may_answer_with_a_problem() {
    let document = document().await;

    for Operation { method, path, description } in operations(&document) {
        let reference = description["responses"]["default"]["$ref"].as_str();
        let default = resolve(&document, reference.unwrap_or_else(|| panic!("{method} {path} has no default")));

        let schema = &default["content"]["application/problem+json"]["schema"]["$ref"];
        assert_eq!(schema, "#/components/schemas/Problem", "{method} {path}");
    }
    let required: BTreeSet<&str> = document["components"]["schemas"]["Problem"]["required"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(required.is_superset(&["type", "title", "status"].into()), "{required:?}");
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let document = document().await;
    let mut references = BTreeSet::new();
    collect(&document, &mut references);

    assert!(references.contains("#/components/schemas/TaskOut"), "{references:?}");
    for reference in references {
        resolve(&document, &reference);
    }
}

#[tokio::test]
async fn the_document_is_that_of_openapi_3_1_with_a_bearer_scheme() {
    let document = document().await;

    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["title"], "Errand");
    assert_eq!(document["components"]["securitySchemes"]["token"]["type"], "http");
    assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
}

#[tokio::test]
async fn path_parameters_are_described() {
    for Operation { method, path, description } in operations(&document().await) {
        let names = description["parameters"].as_array().into_iter().flatten();
        let in_path = names.filter(|parameter| parameter["in"] == "path").map(|parameter| &parameter["name"]);
        let expected = path.split(['{', '}']).skip(1).step_by(2);

        assert!(in_path.eq(expected), "{method} {path}");
    }
}

#[tokio::test]
async fn the_document_is_not_served_when_it_is_switched_off() {
    let mut app = TestApp::new().await;
    app.api.docs = false;

    let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
    let answer = ::api::app(app.api.clone()).oneshot(request).await.unwrap();

    assert_eq!(answer.status(), 404);
}

/// The document, as a client gets it.
async fn document() -> Value {
    let app = TestApp::new().await;
    let served = Actor::nobody(&app).get("/openapi.json").await.json(200);
    assert_eq!(served, serde_json::to_value(::api::openapi()).unwrap());
    served
}

/// Every operation, by path, then by method.
fn operations(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, description) in item.as_object().unwrap() {
            if METHODS.contains(&method.as_str()) {
                let method = method.to_uppercase().parse().unwrap();
                operations.push(Operation { method, path: path.clone(), description: description.clone() });
            }
        }
    }
    operations.sort_by_key(|operation| (operation.path.clone(), operation.method.to_string()));
    operations
}

/// Puts an id into each place of a path.
fn with_ids(path: &str) -> String {
    let id = "01a1fd2c-77da-7b3d-8e21-4c5d6e7f8001";
    path.split(['{', '}']).enumerate().map(|(index, part)| if index % 2 == 1 { id } else { part }).collect()
}

/// Follows a reference; fails the test when it leads nowhere.
#[track_caller]
fn resolve<'a>(document: &'a Value, reference: &str) -> &'a Value {
    let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads out of the document"));
    document.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"))
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            references.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}
