//! The table, group by group.

mod coding;
mod crash;
mod disk;
mod elsewhere;
mod frame;
mod framing;
mod killed;
mod name;
mod network;
mod range;
mod redirect;
mod secret;
mod segment;
mod status;
mod stubborn;
mod told;
mod upload;
mod validator;

use super::Case;

/// Every case, in the order of the table.
pub fn all() -> Vec<Case> {
    let mut cases: Vec<_> = [
        network::cases(),
        range::cases(),
        segment::cases(),
        framing::cases(),
        status::cases(),
        stubborn::cases(),
        validator::cases(),
        coding::cases(),
        redirect::cases(),
        secret::cases(),
        disk::cases(),
        crash::cases(),
        name::cases(),
        frame::cases(),
        upload::cases(),
        elsewhere::cases(),
        told::cases(),
    ]
    .concat();
    cases.sort_by_key(|case| place(case.id));
    cases
}

/// Groups in the order of a transfer, numbers in their own, forms of a fault as they are written.
fn place(id: &str) -> (usize, u32) {
    const GROUPS: &str = "NSVCADKTRFXUL";
    let digits: String = id.chars().skip(1).take_while(char::is_ascii_digit).collect();
    (id.chars().next().and_then(|group| GROUPS.find(group)).unwrap_or(GROUPS.len()), digits.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_case_has_a_name_of_its_own_in_a_known_group() {
        let cases = all();
        let names: BTreeSet<_> = cases.iter().map(|case| case.id).collect();
        assert_eq!(names.len(), cases.len(), "two cases share a name");
        for case in &cases {
            let (group, number) = place(case.id);
            assert!(group < 13 && number > 0, "{}", case.id);
            assert!(![case.title, case.must].iter().any(|text| text.is_empty() || text.contains('|')), "{}", case.id);
        }
    }
}
