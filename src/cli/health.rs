//! `taskgate health`: whether the service on this machine is ready, for images that have no other program to ask with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Failure, print};
use crate::config::{HttpConfig, Sources};

/// How long the service may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// No answer to a health check is longer.
const MOST_BYTES: u64 = 64 * 1024;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Ask whether the process lives, not whether it can serve
    #[arg(long)]
    live: bool,
}

pub(super) async fn run(args: &Args, sources: &Sources) -> Result<(), Failure> {
    let address = reachable(HttpConfig::resolve(sources).map_err(Failure::Usage)?.listen)?;
    let path = if args.live { "/livez" } else { "/readyz" };
    let wrong = |reason: String| Failure::Fault(format!("http://{address}{path}: {reason}."));
    let asked = timeout(PATIENCE, ask(address, path)).await;
    let answer = asked.map_err(|_| wrong(format!("no answer within {} seconds", PATIENCE.as_secs())))?;
    let answer =
        answer.map_err(|error| wrong(format!("{error}; start `taskgate serve`, or set LISTEN to where it listens")))?;
    verdict(&answer).map_err(wrong)?;
    print("healthy\n")
}

/// The address at which this machine reaches what listens there.
fn reachable(listen: SocketAddr) -> Result<SocketAddr, Failure> {
    if listen.port() == 0 {
        let advice = "LISTEN: port 0 is any port; write the address that the service listens on.";
        return Err(Failure::Usage(advice.to_owned()));
    }
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    Ok(SocketAddr::new(ip, listen.port()))
}

/// The answer as it comes.
async fn ask(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MOST_BYTES).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Nothing where it is 200, else its status and what it says.
fn verdict(answer: &str) -> Result<(), String> {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|head| head.get(..3)?.parse::<u16>().ok());
    let detail = serde_json::from_str(body).ok().and_then(|body: Value| Some(body.get("detail")?.as_str()?.to_owned()));
    match (status, detail) {
        (Some(200), _) => Ok(()),
        (Some(status), Some(detail)) => Err(format!("{status}, {}", detail.trim_end_matches('.'))),
        (Some(status), None) => Err(status.to_string()),
        (None, _) => Err("what answers there is no taskgate".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_that_is_listened_on_can_be_asked() {
        for (listen, asked) in [
            ("0.0.0.0:8000", "127.0.0.1:8000"),
            ("[::]:8000", "[::1]:8000"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("192.0.2.1:80", "192.0.2.1:80"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()), Ok(asked.parse().unwrap()), "{listen}");
        }
        assert!(matches!(reachable("127.0.0.1:0".parse().unwrap()), Err(Failure::Usage(_))));
    }

    #[test]
    fn what_is_not_200_is_told_with_its_sentence() {
        assert_eq!(verdict("HTTP/1.1 200 OK\r\na: b\r\n\r\n{\"status\":\"ready\"}"), Ok(()));
        let away = "HTTP/1.1 503 Service Unavailable\r\n\r\n{\"detail\": \"The service is away.\"}";
        assert_eq!(verdict(away), Err("503, The service is away".to_owned()));
        assert_eq!(verdict("HTTP/1.1 404 Not Found\r\n\r\nno"), Err("404".to_owned()));
        for other in ["", "SSH-2.0-x\r\n", "HTTP/1.1 ", "HTTP/1.1 2é"] {
            assert_eq!(verdict(other), Err("what answers there is no taskgate".to_owned()), "{other}");
        }
    }
}
