//! What the socket says, from when it comes until it is shown.

use std::time::Duration;

use leptos::prelude::*;
use protocol::{ServerFrame, session::Input};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::{
    super::{
        browser, clock, http,
        socket::{News, Socket},
    },
    Driver, Showing, Task, with_driver,
};
use crate::state::Model;

/// How often the page's title and counts follow while it is out of sight, where frames do not come.
const HIDDEN_SHOW_INTERVAL: Duration = Duration::from_millis(250);

impl Driver {
    pub(super) fn connect(&mut self) -> Vec<Task> {
        self.sockets += 1;
        self.intake.clear();
        self.welcomed = false;
        let number = self.sockets;
        self.socket = Socket::open(move |news| hear(number, news));
        match &self.socket {
            Some(_) => Vec::new(),
            None => vec![Task::Input(Input::Disconnected { code: None })],
        }
    }

    /// A line came in: it is taken in at once, unless so many have been since the last frame that the next would be late.
    fn hear_line(&mut self, line: JsValue) {
        match self.intake.come(line, browser::is_visible()) {
            Some(line) => self.take_in(&line),
            None if self.intake.is_full() => self.take_in_waiting(usize::MAX),
            None => self.show_soon(),
        }
    }

    fn take_in(&mut self, line: &JsValue) {
        if let Some(frame) = line.as_string().and_then(|line| ServerFrame::decode(&line)) {
            self.run([Task::Input(Input::Received(frame))]);
        }
    }

    /// Takes in frames that wait; they may end the socket that they came from.
    fn take_in_waiting(&mut self, most: usize) {
        for _ in 0..most {
            let Some(line) = self.intake.next() else { break };
            if self.socket.is_none() {
                // What it said last is nobody's any more.
                self.intake.clear();
                break;
            }
            self.take_in(&line);
        }
    }

    /// Shows what has changed, once for everything that changes until then.
    pub(super) fn show_soon(&mut self) {
        if self.showing != Showing::Idle {
            return;
        }
        self.showing = Showing::Soon;
        let number = self.shows;
        let show = move || {
            let mut is_due = false;
            with_driver(|driver| is_due = driver.shows == number);
            if is_due {
                show();
            }
        };
        if browser::is_visible() {
            request_animation_frame(show);
        } else {
            set_timeout(show, HIDDEN_SHOW_INTERVAL);
        }
    }
}

/// Shows what has changed. Outside of the driver, for views may ask for something at once.
pub(super) fn show() {
    let mut next = None;
    let (now, is_in_sight) = (clock::now(), browser::is_visible());
    with_driver(|driver| {
        if driver.showing == Showing::NotYet {
            return;
        }
        driver.showing = Showing::Idle;
        driver.shows += 1;
        let lines = driver.intake.begin_frame(now, is_in_sight);
        driver.take_in_waiting(lines);
        next = Some((driver.state, driver.intake.rows(is_in_sight)));
    });
    let Some((state, rows)) = next else { return };
    let may_skip = state.read(Model::is_at_bottom) == Some(true) && browser::is_nothing_at_hand();
    let leaves_rows = rows.is_none_or(|rows| state.show(rows, may_skip));
    with_driver(|driver| {
        if driver.intake.end_frame(leaves_rows, now) {
            driver.show_soon();
        }
    });
}

/// A socket tells something.
fn hear(number: u32, news: News) {
    let mut is_lost_unwelcomed = false;
    with_driver(|driver| {
        if driver.sockets != number || driver.socket.is_none() {
            return;
        }
        match news {
            News::Opened => driver.run([Task::Input(Input::Connected)]),
            News::Lines(text) => {
                for line in text.split("\n").iter() {
                    // What a line ends is the end of those behind it.
                    if driver.sockets != number || driver.socket.is_none() {
                        break;
                    }
                    driver.hear_line(line);
                }
            }
            // The browser does not say why the server turned a socket away: ask before the session tries again.
            News::Closed { code: None } if !driver.welcomed && browser::has_network() => {
                is_lost_unwelcomed = true;
            }
            News::Closed { code } => {
                driver.take_in_waiting(usize::MAX);
                driver.run([Task::Input(Input::Disconnected { code })]);
            }
        }
    });
    if is_lost_unwelcomed {
        spawn_local(async move {
            let code = http::is_signed_out().await.then_some(protocol::CloseCode::SignedOut.code());
            with_driver(|driver| {
                if driver.sockets == number && driver.socket.is_some() {
                    driver.run([Task::Input(Input::Disconnected { code })]);
                }
            });
        });
    }
}
