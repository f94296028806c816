//! The generated tables. `data/tables.rs` includes one file per API package.

use crate::kind::{Group, Kind, Subresource};
use crate::types::Type::{
    Base64, Boolean, Enum, Int32, Int64, IntOrString, Json, List, Map, MicroTime, Number, Quantity, String, Time,
};
use crate::types::{Field, ListMerge, Record, Type};

/// What a generated field leaves out.
const F: Field = Field::REST;

include!("../data/tables.rs");
