//! Black-box tests: the programs, the window and the page, as a user meets them.

mod architecture;
