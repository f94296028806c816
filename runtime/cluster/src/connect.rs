//! Reaching a cluster.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use tower::BoxError;

use crate::discovery::Types;
use crate::failure::{Failure, Intent, chain};
use crate::transport::path;
use crate::watch::Watches;

/// The body of the requests that a service given to [`Cluster::from_service`] gets.
pub type RequestBody = kube::client::Body;

/// A cluster. Cheap to clone; clones share connections, discovered types and watches.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) client: kube::Client,
    pub(crate) types: Arc<Types>,
    pub(crate) watches: Arc<Watches>,
    requests: Arc<AtomicU64>,
}

/// Which cluster to connect to.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// A kubeconfig file. Without one: `$KUBECONFIG`, then `~/.kube/config`, then the service account of a pod.
    pub kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig. Without one: its current context.
    pub context: Option<String>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is no kubeconfig, or it cannot be read or understood.
    #[error("cannot read the kubeconfig{}: {message}", in_file(.file.as_ref()))]
    Kubeconfig {
        /// The file that was asked for, if one was.
        file: Option<PathBuf>,
        /// What is wrong.
        message: String,
    },
    /// The kubeconfig does not have the context.
    #[error("the kubeconfig{} has no context `{context}`{}", in_file(.file.as_ref()), known(.contexts))]
    NoContext {
        /// The file that was asked for, if one was.
        file: Option<PathBuf>,
        /// The context that was asked for.
        context: String,
        /// Those that it has.
        contexts: Vec<String>,
    },
    /// The kubeconfig names no current context, and none was asked for.
    #[error("the kubeconfig{} has no current context{}", in_file(.file.as_ref()), known(.contexts))]
    NoCurrentContext {
        /// The file that was asked for, if one was.
        file: Option<PathBuf>,
        /// The contexts that it has.
        contexts: Vec<String>,
    },
    /// The API server does not answer.
    #[error("cannot reach the API server at `{server}`: {failure}")]
    Unreachable {
        /// Its address.
        server: String,
        /// What happened.
        failure: Failure,
    },
    /// The API server answers, and refuses.
    #[error("the API server at `{server}` refuses the connection: {failure}")]
    Refused {
        /// Its address.
        server: String,
        /// What it says.
        failure: Failure,
    },
}

fn in_file(file: Option<&PathBuf>) -> String {
    file.map(|file| format!(" `{}`", file.display())).unwrap_or_default()
}

fn known(contexts: &[String]) -> String {
    match contexts {
        [] => "; it has none".to_owned(),
        contexts => format!("; it has `{}`", contexts.join("`, `")),
    }
}

impl Cluster {
    /// Connects by a kubeconfig and asks the API server for its version, so that a cluster that cannot be reached is
    /// found before anything is done.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect(options: ConnectOptions) -> Result<Self, ConnectError> {
        let mut config = config(&options).await?;
        // Retries are the scheduler's: it knows what else waits.
        config.default_retry = false;
        config.connect_timeout = Some(Duration::from_secs(10));
        // Watches have their own idle time.
        config.read_timeout = None;
        let server = config.cluster_url.to_string();
        let client = kube::Client::try_from(config).map_err(|error| ConnectError::Kubeconfig {
            file: options.kubeconfig.clone(),
            message: chain(&error),
        })?;
        let cluster = Cluster::over(client);
        let version = cluster.read(path("/version", &[]), Duration::from_secs(10)).await;
        match version {
            Ok(_) => Ok(cluster),
            Err(failure) if failure.code.is_none() => Err(ConnectError::Unreachable { server, failure }),
            Err(failure) => Err(ConnectError::Refused { server, failure }),
        }
    }

    /// Over any service that answers as an API server does. Must be called inside a tokio runtime.
    pub fn from_service<S, B>(service: S) -> Self
    where
        S: tower::Service<http::Request<RequestBody>, Response = http::Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<BoxError>,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Cluster::over(kube::Client::new(service, "default"))
    }

    /// How many requests were sent, watches included.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Asks the API server whether it is there, once.
    ///
    /// # Errors
    /// It does not answer within 5 s, or refuses.
    pub async fn probe(&self) -> Result<(), Failure> {
        self.read(path("/version", &[]), Duration::from_secs(5)).await.map(drop)
    }

    pub(crate) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn transport_failure(error: &kube::Error, intent: Intent) -> Failure {
        Failure::from_transport(error, intent)
    }

    fn over(client: kube::Client) -> Self {
        Cluster {
            client,
            types: Arc::default(),
            watches: Arc::default(),
            requests: Arc::default(),
        }
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("requests", &self.requests())
            .finish_non_exhaustive()
    }
}

async fn config(options: &ConnectOptions) -> Result<kube::Config, ConnectError> {
    let file = || options.kubeconfig.clone();
    let unreadable = |error: KubeconfigError| ConnectError::Kubeconfig {
        file: file(),
        message: match error {
            // The file's name stands in front of it already.
            KubeconfigError::ReadConfig(source, _) if options.kubeconfig.is_some() => source.to_string(),
            error => chain(&error),
        },
    };
    let kubeconfig = match &options.kubeconfig {
        Some(file) => Kubeconfig::read_from(file),
        None => Kubeconfig::read(),
    };
    let kubeconfig = match kubeconfig {
        Ok(kubeconfig) => kubeconfig,
        Err(error) if options.kubeconfig.is_none() && options.context.is_none() => {
            return kube::Config::incluster().map_err(|_| unreadable(error));
        }
        Err(error) => return Err(unreadable(error)),
    };
    let contexts = kubeconfig
        .contexts
        .iter()
        .map(|context| context.name.clone())
        .collect::<Vec<_>>();
    let current = kubeconfig.current_context.clone().filter(|current| !current.is_empty());
    let Some(context) = options.context.clone().or(current) else {
        return Err(ConnectError::NoCurrentContext { file: file(), contexts });
    };
    if !contexts.contains(&context) {
        return Err(ConnectError::NoContext {
            file: file(),
            context,
            contexts,
        });
    }
    let wanted = KubeConfigOptions {
        context: Some(context),
        ..KubeConfigOptions::default()
    };
    kube::Config::from_custom_kubeconfig(kubeconfig, &wanted)
        .await
        .map_err(unreadable)
}
