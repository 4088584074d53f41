//! A server to test: on port 0, with a temporary data folder, gone with its end.

use std::{net::SocketAddr, path::Path};

use clap::Parser as _;
use protocol::api::{ErrorBody, GuestCreated, RoomSummary, User};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header, redirect::Policy};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use server::{Running, Server, config::Config};
use tempfile::TempDir;

/// A server that runs for one test.
pub(crate) struct TestServer {
    running: Running,
    data: TempDir,
    http: Client,
}

impl TestServer {
    /// A server with the default settings.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A server with these flags.
    pub(crate) async fn with(flags: &[&str]) -> Self {
        Self::on(TempDir::new().unwrap(), flags).await
    }

    /// A server with these flags, on a data folder that is there already.
    pub(crate) async fn on(data: TempDir, flags: &[&str]) -> Self {
        let own = ["hubbub", "--listen", "127.0.0.1:0", "--data", data.path().to_str().unwrap()];
        let config = Config::try_parse_from(own.iter().chain(flags)).unwrap();
        let running = Server::start(config).await.unwrap();
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { running, data, http }
    }

    /// Stops it as SIGTERM would, and hands over its data folder.
    pub(crate) async fn stop(self) -> TempDir {
        self.running.shutdown().await;
        self.data
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.local_addr()
    }

    pub(crate) fn metrics_address(&self) -> Option<SocketAddr> {
        self.running.metrics_addr()
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address())
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// A request of nobody.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.origin()))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    /// A new guest.
    pub(crate) async fn guest(&self, username: &str) -> Guest<'_> {
        let request = self.request(Method::POST, "/api/v1/guests").json(&json!({ "username": username }));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        let GuestCreated { token, user } = body(response).await;
        Guest { server: self, token, user }
    }
}

/// Somebody who came in.
pub(crate) struct Guest<'s> {
    server: &'s TestServer,
    pub(crate) token: String,
    pub(crate) user: User,
}

impl Guest<'_> {
    /// A request as a program makes it.
    pub(crate) fn api(&self, method: Method, path: &str) -> RequestBuilder {
        self.server.request(method, &format!("/api/v1{path}")).bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.api(Method::GET, path).send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.api(Method::POST, path).json(body).send().await.unwrap()
    }

    /// A request as a browser makes it when it opens an address.
    pub(crate) fn browser(&self, method: Method, path: &str) -> RequestBuilder {
        self.server.request(method, path).header(header::COOKIE, self.cookie())
    }

    pub(crate) fn cookie(&self) -> String {
        format!("hubbub_session={}", self.token)
    }

    /// A page as a browser opens it.
    pub(crate) async fn page(&self, path: &str) -> Response {
        self.browser(Method::GET, path).send().await.unwrap()
    }

    /// A form as a browser posts it.
    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let request = self.browser(Method::POST, path).header(header::ORIGIN, self.server.origin());
        request.form(fields).send().await.unwrap()
    }

    /// Makes a room.
    pub(crate) async fn room(&self, name: &str, visibility: &str) -> RoomSummary {
        let response = self.post("/rooms", &json!({ "name": name, "visibility": visibility })).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        body(response).await
    }
}

/// The body of an answer.
pub(crate) async fn body<T: DeserializeOwned>(response: Response) -> T {
    let text = response.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The value of a header of an answer.
pub(crate) fn header_of(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// The cookies that an answer sets.
pub(crate) fn cookies_of(response: &Response) -> Vec<String> {
    let values = response.headers().get_all(header::SET_COOKIE).iter();
    values.map(|value| value.to_str().unwrap().to_owned()).collect()
}

/// Checks that an answer is a refusal with this status and code, and a sentence beside it.
#[track_caller]
pub(crate) fn assert_refused(
    response: Response,
    status: u16,
    code: &'static str,
) -> impl Future<Output = protocol::frame::Refusal> {
    let at = std::panic::Location::caller();
    async move {
        let found = response.status().as_u16();
        let ErrorBody { error } = body(response).await;
        assert_eq!((found, error.code.as_str()), (status, code), "at {at}: {error:?}");
        assert!(error.message.len() > 10, "at {at}: {error:?}");
        error
    }
}
