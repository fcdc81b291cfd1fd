//! A, second part: logins, proxies, certificates, and what is told of them.

use super::super::case::{Case, Play, case, file};
use crate::{
    fault::{Outcome, stage::Shield},
    peer::Answer,
};

pub(super) fn cases() -> Vec<Case> {
    [logins(), proxies(), certificates()].concat()
}

fn asked_often(outcome: &Outcome) -> Option<String> {
    let asked = outcome.requests.len();
    (asked > 4).then(|| format!("asked {asked} times with the same login"))
}

/// Nothing that was said has the secret in it.
fn told(outcome: &Outcome) -> Option<String> {
    let everything = format!("{}{}", outcome.stdout, outcome.stderr);
    everything.contains("hunter2").then(|| "the secret is in what it prints".to_owned())
}

fn logins() -> Vec<Case> {
    vec![
        case(
            "A10",
            "401 again although a login was sent",
            "fails; asks no more with the same login",
            Play::once(|_, _| Answer::status(401).header("WWW-Authenticate", "Basic realm=\"files\""))
                .wish(|wish| wish.login = Some(("ann", "wrong")))
                .watch(8)
                .refused(&["HTTP_UNAUTHORIZED"])
                .everybody(asked_often),
        ),
        case(
            "A10 right",
            "401 until a login is sent, and then the file",
            "the whole file",
            Play::once(|request, _| match request.header("Authorization") {
                Some("Basic YW5uOnJpZ2h0") => file(1).answer(request),
                _ => Answer::status(401).header("WWW-Authenticate", "Basic realm=\"files\""),
            })
            .wish(|wish| wish.login = Some(("ann", "right"))),
        ),
        case(
            "A16",
            "a failure of an address with a password and a signature in it",
            "neither stands in what is printed",
            Play::once(|_, _| Answer::status(403))
                .path("@ann:hunter2@?X-Amz-Signature=hunter2&token=hunter2")
                .watch(8)
                .refused(&["HTTP_FORBIDDEN"])
                .everybody(told),
        ),
    ]
}

fn went_around(outcome: &Outcome) -> Option<String> {
    (!outcome.requests.is_empty()).then(|| "it went around the proxy".to_owned())
}

fn proxies() -> Vec<Case> {
    vec![case(
        "A12",
        "the proxy is down",
        "fails; never goes around the proxy",
        Play::once(|request, _| file(1).answer(request))
            .wish(|wish| wish.proxy = Some("http://127.0.0.1:1".to_owned()))
            .refused(&["PROXY_FAILED"])
            .everybody(went_around),
    )]
}

fn certificates() -> Vec<Case> {
    const MUST: &str = "refused before a request is sent";
    let shown = |shield| {
        let play = Play::once(|request, _| file(1).answer(request)).shield(shield).refused(&["TLS_FAILED"]);
        play.everybody(|outcome| {
            (!outcome.requests.is_empty()).then(|| "a request was sent to a server that proved nothing".to_owned())
        })
    };
    vec![
        case("A13", "a certificate nobody vouches for", MUST, shown(Shield::Stranger)),
        case("A13 host", "a trusted certificate of another host", MUST, shown(Shield::OtherHost)),
        case("A13 expired", "a trusted certificate that has ended", MUST, shown(Shield::Expired)),
        case(
            "A13 trusted",
            "a certificate of the authority that was named",
            "the whole file",
            Play::once(|request, _| file(1).answer(request)).shield(Shield::Trusted),
        ),
    ]
}
