//! The routes of the service.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE, VARY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use http_body_util::BodyExt;
use serde_json::json;

use crate::accept::Form;
use crate::color::Color;
use crate::faults::{Faults, MAX_BODY, Played};
use crate::{page, wall};

/// Answers must not be cached: a cached one would show the wrong version.
const NOT_CACHED: (HeaderName, &str) = (CACHE_CONTROL, "no-store");

/// The colour for readers without the body: the scripts of the two pages know by it which version answered.
const COLOR: HeaderName = HeaderName::from_static("x-color");

/// `on` if this version's faults can be set, so that the wall offers it.
const FAULTS: HeaderName = HeaderName::from_static("x-color-faults");

/// The identity of this instance, its number of answers, and the faults that it plays, if it may.
struct Service {
    color: Color,
    host: String,
    requests: AtomicU64,
    faults: Option<Played>,
}

/// Every other path and method shows the colour, so the service looks the same under any prefix that a proxy routes to it.
pub(crate) fn router(color: Color, host: String, faults: bool) -> Router {
    let service = Service {
        color,
        host,
        requests: AtomicU64::new(0),
        faults: faults.then(Played::default),
    };
    let with_faults = if faults {
        get(read_faults).put(set_faults)
    } else {
        any(no_faults)
    };
    Router::new()
        .route("/healthz", get(health))
        .route("/color/wall", get(wall::show))
        .route("/color/faults", with_faults)
        .fallback(show)
        .with_state(Arc::new(service))
}

async fn health() -> impl IntoResponse {
    let text = (CONTENT_TYPE, "text/plain; charset=utf-8");
    ([text, NOT_CACHED], "ok\n")
}

async fn read_faults(State(service): State<Arc<Service>>) -> Response {
    let faults = service.faults.as_ref().map(Played::now).unwrap_or_default();
    let headers = [(CONTENT_TYPE, "application/json"), NOT_CACHED];
    let color = [(COLOR, service.color.cookie_value())];
    (headers, color, faults.json()).into_response()
}

async fn set_faults(State(service): State<Arc<Service>>, request: Request) -> Response {
    let body = match read(request.into_body()).await {
        Ok(Some(body)) => body,
        Ok(None) => {
            let reason = format!("the body is longer than {MAX_BODY} bytes");
            return refused(StatusCode::PAYLOAD_TOO_LARGE, &reason);
        }
        Err(_) => return StatusCode::BAD_REQUEST.into_response(),
    };
    match Faults::parse(&body) {
        Ok(faults) => {
            if let Some(played) = &service.faults {
                played.set(faults);
            }
            read_faults(State(service)).await
        }
        Err(invalid) => refused(StatusCode::BAD_REQUEST, &invalid.to_string()),
    }
}

async fn no_faults(request: Request) -> Response {
    match discard(request.into_body()).await {
        Ok(()) => refused(
            StatusCode::NOT_FOUND,
            "faults are off: start color with COLOR_FAULTS=on",
        ),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn refused(status: StatusCode, reason: &str) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        NOT_CACHED,
    ];
    (status, headers, format!("{reason}\n")).into_response()
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
    let Service { color, host, .. } = &*service;
    let value = color.cookie_value();
    let mut answer = if play(&service).await {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            [NOT_CACHED],
            [(COLOR, value)],
        )
            .into_response()
    } else {
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
        let cookie = format!("color={value}; Path=/; SameSite=Lax");
        let headers = [(CONTENT_TYPE, content_type), NOT_CACHED, (VARY, "accept")];
        (headers, [(SET_COOKIE, cookie), (COLOR, value)], content).into_response()
    };
    if service.faults.is_some() {
        answer
            .headers_mut()
            .insert(FAULTS, HeaderValue::from_static("on"));
    }
    answer
}

/// Waits as long as the faults say, and returns whether this answer has to fail.
async fn play(service: &Service) -> bool {
    let Some(played) = &service.faults else {
        return false;
    };
    let faults = played.now();
    if !faults.latency().is_zero() {
        tokio::time::sleep(faults.latency()).await;
    }
    played.next_fails(faults)
}

/// Reads the request's body to its end. With an earlier answer the server would close the connection, and a proxy that is
/// still sending would see a reset instead of a colour.
async fn discard(mut body: Body) -> Result<(), axum::Error> {
    while let Some(frame) = body.frame().await {
        frame?;
    }
    Ok(())
}

/// The request's body, or `None` if it is longer than [`MAX_BODY`]; it is read to its end in both cases.
async fn read(mut body: Body) -> Result<Option<Vec<u8>>, axum::Error> {
    let (mut kept, mut fits) = (Vec::new(), true);
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            fits &= kept.len() + data.len() <= MAX_BODY;
            if fits {
                kept.extend_from_slice(&data);
            }
        }
    }
    Ok(fits.then_some(kept))
}
