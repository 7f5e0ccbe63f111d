//! Clients that do what clients should not do: send nonsense, too much, or too little, and vanish.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// So many of them, one after the other. What can be answered has to be answered as HTTP says.
pub(crate) async fn run(address: SocketAddr, number: u64) -> Result<()> {
    for number in 0..number {
        let mut stream = TcpStream::connect(address).await?;
        match number % 6 {
            0 => refused(stream, "nonsense\r\n\r\n", "400").await?,
            1 => {
                refused(
                    stream,
                    "POST /words HTTP/1.1\r\nhost: x\r\ncontent-length: 999999\r\n\r\n",
                    "413",
                )
                .await?
            }
            2 => {
                refused(
                    stream,
                    "POST /words HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n{",
                    "400",
                )
                .await?
            }
            // They vanish in the middle of an answer, of a request, and of both.
            3 => {
                stream
                    .write_all(b"GET /bytes/1073741824 HTTP/1.1\r\nhost: x\r\n\r\n")
                    .await?;
                stream
                    .read_exact(&mut [0; 50_000])
                    .await
                    .context("reading some of it")?;
            }
            4 => {
                let request = b"POST /count HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nsome";
                stream.write_all(request).await?;
            }
            _ => {
                let request = b"POST /upper HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n4\r\nsome\r\n";
                stream.write_all(request).await?;
                stream.read_exact(&mut [0; 20]).await.context("reading some of it")?;
            }
        }
    }
    Ok(())
}

async fn refused(mut stream: TcpStream, request: &str, status: &str) -> Result<()> {
    stream.write_all(request.as_bytes()).await?;
    let mut answer = [0; 12];
    stream
        .read_exact(&mut answer)
        .await
        .with_context(|| format!("{request:?} has no answer"))?;
    let expected = format!("HTTP/1.1 {status}");
    ensure!(
        answer == *expected.as_bytes(),
        "{request:?}: {}",
        String::from_utf8_lossy(&answer)
    );
    Ok(())
}
