//! `ktl sim`

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::net::TcpListener;

use crate::error::{Failure, Outcome};
use crate::exit::Exit;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Serve an empty simulated cluster on loopback until interrupted
    Serve(Serve),
}

#[derive(clap::Args)]
pub struct Serve {
    /// Where to write the kubeconfig that leads to it
    #[arg(long, value_name = "FILE")]
    kubeconfig: PathBuf,

    /// How much faster than real time controllers and pods are
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    speed: f64,

    /// The port; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
}

pub fn run(command: Command) -> Outcome {
    let Command::Serve(arguments) = command;
    if !(arguments.speed.is_finite() && arguments.speed > 0.0) {
        return Err(Failure::new(Exit::Usage, "`--speed` takes a number above 0"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Internal, format!("cannot start: {error}")))?;
    runtime.block_on(serve(&arguments))
}

async fn serve(arguments: &Serve) -> Outcome {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    let cannot = |error| Failure::new(Exit::File, format!("cannot listen on {address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;

    let start = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_secs());
    let options = ktl_sim::Options {
        start: i64::try_from(start).unwrap_or(0),
        speed: arguments.speed,
        ..Default::default()
    };
    let cluster = ktl_sim::Cluster::new(options);

    let file = &arguments.kubeconfig;
    let folder = file.parent().map_or(Ok(()), std::fs::create_dir_all);
    folder
        .and_then(|()| std::fs::write(file, ktl_sim::kubeconfig(address)))
        .map_err(|error| Failure::new(Exit::File, format!("cannot write `{}`: {error}", file.display())))?;
    anstream::eprintln!("a simulated cluster answers at http://{address}; press Ctrl-C to end it");
    anstream::eprintln!("next: `kubectl --kubeconfig {} get namespaces`", file.display());

    let interrupted = async {
        // Without a handler the process ends at once on Ctrl-C, which is as good.
        let _ = tokio::signal::ctrl_c().await;
    };
    ktl_sim::serve(cluster, listener, interrupted)
        .await
        .map_err(|error| Failure::new(Exit::File, format!("cannot serve any longer: {error}")))
}
