//! A pure scheduler: events in, commands out. It knows no clock, no cluster and no objects, only nodes, the order
//! between them and budgets; the same events in the same order give the same commands.
//!
//! A node is one object: it is *started* (a request is sent), then *applied* (the API server has accepted it), then
//! *ready*. A request holds a slot until it is answered; a rollout holds a token from its start to its verdict; waiting
//! for readiness holds no slot. Deleting is the same over [`Graph::reversed`], with *gone* for ready.
//!
//! ```
//! use ktl_scheduler::{Budgets, Command, Event, Graph, Node, NodeId, Scheduler};
//! # use ktl_plan::{FailMode, Until};
//! let mut graph = Graph::default();
//! let config = graph.node(Node { kind: "ConfigMap".into(), ..Node::default() });
//! let web = graph.node(Node { kind: "Deployment".into(), rollout: true, ..Node::default() });
//! graph.edge(web, config, Until::Applied);
//! let mut scheduler = Scheduler::new(graph, Budgets::default(), FailMode::FailFast)?;
//! assert_eq!(scheduler.poll(), [Command::Start(config)]);
//! scheduler.handle(Event::Applied(config));
//! assert_eq!(scheduler.poll(), [Command::Start(web)]);
//! # Ok::<(), ktl_scheduler::Cyclic>(())
//! ```

mod budget;
mod graph;
mod scheduler;

pub use budget::{Budget, Budgets};
pub use graph::{Cyclic, Graph, Node, NodeId, Release, ReleaseId};
pub use scheduler::{Cause, Command, Event, ReleaseOutcome, Scheduler, Waiting};
