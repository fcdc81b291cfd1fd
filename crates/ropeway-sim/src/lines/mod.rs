//! Single downloads of the real engine over modelled lines, in virtual time: how long each takes beside the shortest time
//! that is possible, and how many connections it opens.
//!
//! The lines, and what a model of other clients makes of them, stand in `lines/lines.csv`.

mod blank;
mod net;
mod play;
mod table;

pub use net::Line;
pub use play::{Outcome, play};
pub use table::{Case, Played, cases, play_all, summary, table, thinned};
