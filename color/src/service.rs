//! The routes of the service.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE, VARY};
use axum::http::{HeaderName, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use http_body_util::BodyExt;
use serde_json::json;

use crate::accept::Form;
use crate::color::Color;
use crate::page;

/// Answers must not be cached: a cached one would show the wrong version.
const NOT_CACHED: (HeaderName, &str) = (CACHE_CONTROL, "no-store");

/// The colour for readers without the body: the page's script compares it to see whether its HEAD reached the same version.
const COLOR: HeaderName = HeaderName::from_static("x-color");

/// The identity of this instance, its number of answers, and whether it plays a broken version.
struct Service {
    color: Color,
    host: String,
    requests: AtomicU64,
    fails: AtomicBool,
}

/// Every other path and method shows the colour, so the service looks the same under any prefix that a proxy routes to it.
pub(crate) fn router(color: Color, host: String) -> Router {
    let service = Service {
        color,
        host,
        requests: AtomicU64::new(0),
        fails: AtomicBool::new(false),
    };
    Router::new()
        .route("/healthz", get(health))
        .route("/fail", put(fail).delete(mend))
        .fallback(show)
        .with_state(Arc::new(service))
}

async fn health() -> impl IntoResponse {
    let text = (CONTENT_TYPE, "text/plain; charset=utf-8");
    ([text, NOT_CACHED], "ok\n")
}

async fn fail(State(service): State<Arc<Service>>) -> StatusCode {
    service.fails.store(true, Ordering::Relaxed);
    StatusCode::NO_CONTENT
}

async fn mend(State(service): State<Arc<Service>>) -> StatusCode {
    service.fails.store(false, Ordering::Relaxed);
    StatusCode::NO_CONTENT
}

async fn show(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    if head.method == Method::CONNECT {
        // A success would mean that a tunnel is open.
        return StatusCode::NOT_IMPLEMENTED.into_response();
    }
    if discard(body).await.is_err() {
        return StatusCode::BAD_REQUEST.into_response();
    }
    if service.fails.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, [NOT_CACHED]).into_response();
    }
    let Service { color, host, .. } = &*service;
    // A HEAD gets the headers that a GET would get now.
    let shown = u64::from(head.method != Method::HEAD);
    let requests = service.requests.fetch_add(shown, Ordering::Relaxed) + 1;
    let (content_type, content) = match Form::preferred(&head.headers) {
        Form::Page => (
            "text/html; charset=utf-8",
            page::render(color, host, requests),
        ),
        Form::Json => (
            // JSON has no charset parameter (RFC 8259): it is UTF-8.
            "application/json",
            json!({"color": color.text(), "host": host, "requests": requests}).to_string(),
        ),
    };
    let value = color.cookie_value();
    let cookie = format!("color={value}; Path=/; SameSite=Lax");
    let headers = [(CONTENT_TYPE, content_type), NOT_CACHED, (VARY, "accept")];
    (headers, [(SET_COOKIE, cookie), (COLOR, value)], content).into_response()
}

/// Reads the request's body to its end. With an earlier answer the server would close the connection, and a proxy that is
/// still sending would see a reset instead of a colour.
async fn discard(mut body: Body) -> Result<(), axum::Error> {
    while let Some(frame) = body.frame().await {
        frame?;
    }
    Ok(())
}
