//! Policy of the user for servers.

use ropeway_model::{ByteRate, Connections, ServerRule};

/// Policy for servers over all jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerPolicy {
    /// Connections to one server over all jobs, where no rule says otherwise.
    pub connections: Connections,
    /// What holds for single servers; the first rule that fits a server is in force for it.
    pub rules: Vec<ServerRule>,
}

impl Default for ServerPolicy {
    /// As many connections to a server as a download may have: the line and the server say how many that are.
    fn default() -> Self {
        Self { connections: Connections::MOST, rules: Vec::new() }
    }
}

impl ServerPolicy {
    /// The rule for `host`, a name with the port where that is not the scheme's own.
    pub fn rule(&self, host: &str) -> Option<&ServerRule> {
        self.rules.iter().find(|rule| rule.host.matches(host))
    }

    /// Connections to `host` over all jobs.
    pub(crate) fn connections(&self, host: &str) -> usize {
        self.rule(host).and_then(|rule| rule.connections).unwrap_or(self.connections).get()
    }

    /// All bytes to and from `host` together.
    pub(crate) fn limit(&self, host: &str) -> Option<ByteRate> {
        self.rule(host).and_then(|rule| rule.limit)
    }

    /// Jobs with `host` that may run at once.
    pub(crate) fn running_jobs(&self, host: &str) -> usize {
        self.rule(host).and_then(|rule| rule.running_jobs).map_or(usize::MAX, usize::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_is_in_force() {
        let rule = |host: &str, connections| ServerRule {
            host: host.parse().unwrap(),
            connections: Connections::new(connections).ok(),
            running_jobs: None,
            limit: None,
        };
        let rules = vec![rule("cdn.example.org", 4), rule(".example.org", 2), rule("nas:8080", 8)];
        let policy = ServerPolicy { rules, ..ServerPolicy::default() };
        for (host, expected) in
            [("cdn.example.org:81", 4), ("a.example.org", 2), ("nas:8080", 8), ("nas", 64), ("other.example", 64)]
        {
            assert_eq!(policy.connections(host), expected, "{host}");
        }
    }
}
