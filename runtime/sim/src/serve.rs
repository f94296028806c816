//! Behind a listener: HTTP/1.1, and HTTP/2 without TLS for clients that start with it.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::cluster::Cluster;

/// Serves a cluster until `shutdown` resolves. Open connections, watches among them, end with it.
///
/// Fails when the listener does. The cluster must have been made in the runtime that runs this.
pub async fn serve(cluster: Cluster, listener: TcpListener, shutdown: impl Future) -> io::Result<()> {
    cluster.start();
    let mut shutdown = pin!(shutdown);
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = tokio::select! {
            _ = &mut shutdown => return Ok(()),
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_connection(&error) => continue,
                Err(error) => return Err(error),
            },
        };
        let service = TowerToHyperService::new(cluster.service());
        connections.spawn(async move {
            // Kubernetes clients send many small requests on one connection.
            let _ = stream.set_nodelay(true);
            let mut builder = auto::Builder::new(TokioExecutor::new());
            builder
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(600));
            // A client that goes away in the middle is no error of the server.
            let _ = builder
                .serve_connection_with_upgrades(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// Whether only the connection that was being accepted failed.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

/// A kubeconfig for a server at `address`: plain HTTP, one context `sim`, no credentials.
pub fn kubeconfig(address: SocketAddr) -> String {
    format!(
        "\
apiVersion: v1
kind: Config
clusters:
- name: sim
  cluster:
    server: http://{address}
contexts:
- name: sim
  context:
    cluster: sim
    user: sim
current-context: sim
users:
- name: sim
  user: {{}}
"
    )
}
