//! Serves a simulated cluster until it is killed: `serve [KUBECONFIG] [SPEED]`.

use std::time::{SystemTime, UNIX_EPOCH};

use ktl_sim::{Cluster, Options, kubeconfig, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let out = arguments.next().unwrap_or_else(|| "sim.kubeconfig".to_owned());
    let speed = arguments.next().map_or(Ok(1.0), |text| text.parse())?;
    let start = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let cluster = Cluster::new(Options {
        start,
        speed,
        ..Options::default()
    });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    std::fs::write(&out, kubeconfig(listener.local_addr()?))?;
    serve(cluster, listener, std::future::pending::<()>()).await?;
    Ok(())
}
