//! What the binary does beside serving: small commands for whoever runs a server. Each ends by itself.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand};

use crate::{
    clock::Clock,
    config::{Config, address},
    probe,
    store::sqlite::{Existing, back_up, restore},
};

/// Group chat in one binary: open the page, pick a name, talk.
///
/// Alone it serves. Every setting is a flag and a variable; the flag wins.
#[derive(Debug, Clone, Parser)]
#[command(name = "hubbub", version, max_term_width = 100)]
pub struct CommandLine {
    /// The settings.
    #[command(flatten)]
    pub config: Config,
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do instead of serving.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Ask a running server whether it is ready: ends with 0 if it is, within three seconds.
    Healthcheck {
        /// Where it listens; else where --listen or its variable says.
        #[arg(long, value_name = "ADDRESS:PORT", value_parser = address)]
        address: Option<SocketAddr>,
    },
    /// Copy the database into a new file, also while a server uses it.
    Backup {
        /// The file. What is there already is not overwritten.
        file: PathBuf,
    },
    /// Put a backup in the place of the database. The server must be stopped.
    Restore {
        /// The backup.
        file: PathBuf,
        /// Set a database that is there already aside, into a folder beside the new one.
        #[arg(long)]
        replace: bool,
    },
}

impl Command {
    /// Does it, and answers with what to tell whoever asked.
    pub async fn run(self, config: &Config) -> anyhow::Result<String> {
        match self {
            Self::Healthcheck { address } => {
                probe::ready(address.unwrap_or(config.listen)).await?;
                Ok("ready".to_owned())
            }
            Self::Backup { file } => {
                back_up(&config.data, &file).await?;
                Ok(format!("{} is the backup", file.display()))
            }
            Self::Restore { file, replace } => {
                let existing = if replace { Existing::SetAside } else { Existing::Refuse };
                let restored = restore(&config.data, &file, existing, Clock::system().now()).await?;
                let before = restored.set_aside.map_or_else(String::new, |aside| {
                    format!(" What was there before is in {}.", aside.display())
                });
                Ok(format!("Restored {} rooms from {}.{before}", restored.rooms, file.display()))
            }
        }
    }
}
