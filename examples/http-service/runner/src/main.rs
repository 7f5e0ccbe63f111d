//! Serves a component over HTTP until control-C is pressed: `http-service-runner [--listen ADDRESS] COMPONENT...`.
//!
//! It does what `wasmtime serve` does, with one instance for many requests. Of several components each goes in front of the next.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use http_service_runner::{Limits, Server};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let mut address: SocketAddr = ([127, 0, 0, 1], 8080).into();
    let mut components: Vec<PathBuf> = Vec::new();
    let mut args = std::env::args_os().skip(1);
    while let Some(arg) = args.next() {
        if arg == "--listen" {
            let value = args.next().unwrap_or_default();
            let value = value.to_string_lossy();
            address = value
                .parse()
                .with_context(|| format!("`{value}` is no address, as 127.0.0.1:8080 is"))?;
        } else {
            components.push(arg.into());
        }
    }
    if components.is_empty() {
        bail!("usage: http-service-runner [--listen ADDRESS] COMPONENT...");
    }
    let server = Server::start(&components, address, Limits::default()).await?;
    println!("http://{}", server.address());
    tokio::signal::ctrl_c().await?;
    let served = server.stop().await?;
    println!(
        "{} requests, {} without an answer, {} connections broken; {} instances, {} of them given up, {} KiB of memory at most",
        served.requests,
        served.failed,
        served.broken,
        served.instances,
        served.ended,
        served.memory / 1024
    );
    Ok(())
}
