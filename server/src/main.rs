//! The binary: settings in, a server until it is told to stop, or a command that ends by itself.

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use clap::Parser as _;
use server::{
    Running, Server,
    command::{Command, CommandLine},
    config::{Config, LogFormat},
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let CommandLine { config, command } = CommandLine::parse();
    begin_log(&config);
    let done = match command {
        None => serve(config),
        Some(command) => carry_out(command, &config),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hubbub: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn begin_log(config: &Config) {
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&config.log))
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr);
    match config.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
}

#[tokio::main(flavor = "current_thread")]
async fn carry_out(command: Command, config: &Config) -> anyhow::Result<()> {
    let told = command.run(config).await?;
    // It is done all the same where nobody hears of it.
    let _unheard = writeln!(io::stdout(), "{told}");
    Ok(())
}

#[tokio::main]
async fn serve(config: Config) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let mut running = tokio::select! {
        running = Server::start(config) => running?,
        () = signals.next() => return Ok(()),
    };
    // Whoever started it may have closed their end; that is no reason to stop.
    let _unheard = writeln!(io::stdout(), "Hubbub is at {}", running.url());

    tokio::select! {
        () = signals.next() => tracing::info!("stopping; once more stops at once"),
        part = running.broken() => anyhow::bail!("the {part} has stopped; the log says why"),
    }
    tokio::select! {
        () = Running::shutdown(running) => tracing::info!("stopped"),
        () = signals.next() => tracing::warn!("stopped at once"),
    }
    Ok(())
}

/// The ways to be told to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
