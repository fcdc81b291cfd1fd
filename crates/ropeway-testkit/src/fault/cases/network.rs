//! N: the network breaks, stalls, or is not there.

use super::super::case::{Case, End, HALF, LENGTH, Play, Version, case, file};
use crate::fault::{Outcome, stage::Shield};
use crate::peer::{Answer, Cut, Framing, ServedFile};

/// What may be on its way when a connection breaks.
const IN_FLIGHT: u64 = 256 * 1024;

pub(super) fn cases() -> Vec<Case> {
    [absent(), resets(), ends(), chunks(), closes(), silences(), keep_alive()].concat()
}

fn absent() -> Vec<Case> {
    // Who tries on says nothing wrong; ours ends, since nobody ever answered there.
    let nobody = || {
        let play = Play::once(|_, _| Answer::status(500)).end(End::NeverDone);
        play.ours(|outcome| (!outcome.has_ended).then(|| "it tries on and on".to_owned()))
    };
    vec![
        case(
            "N1",
            "nothing listens on the port",
            "fails with a reason of its own, or tries on",
            // Port 1 (tcpmux) is nobody's on loopback.
            nobody().path("http://127.0.0.1:1/file.bin").codes(&["NETWORK_REFUSED"]),
        ),
        case(
            "N2",
            "the host name does not exist",
            "fails with a reason of its own, or tries on",
            nobody().path("http://no-such-host.invalid/file.bin").codes(&["NETWORK_NAME"]),
        ),
    ]
}

/// The first answer breaks behind `at` octets, every later one is honest.
fn broken_once(at: u64, cut: Cut) -> Play {
    Play::once(move |request, turn| {
        let answer = file(1).answer(request);
        if turn.number == 1 { answer.cut_after(at, cut) } else { answer }
    })
}

fn no_more_than_needed(outcome: &Outcome) -> Option<String> {
    let sent = outcome.sent();
    (sent > LENGTH + IN_FLIGHT).then(|| format!("{sent} bytes for a file of {LENGTH}"))
}

fn resets() -> Vec<Case> {
    const MUST: &str = "goes on where it was; the file is whole";
    vec![
        case("N4 at 0", "reset before the first byte of the body", MUST, broken_once(0, Cut::Reset)),
        case("N4 at 1", "reset behind the first byte", MUST, broken_once(1, Cut::Reset)),
        case("N4 half", "reset behind half of the file", MUST, broken_once(HALF, Cut::Reset)),
        case("N4 last", "reset before the last byte", MUST, broken_once(LENGTH - 1, Cut::Reset)),
        case(
            "N4 silent",
            "reset instead of an answer, once",
            MUST,
            Play::once(|request, turn| match turn.number {
                1 => Answer::hang_up(Cut::Reset),
                _ => file(1).answer(request),
            }),
        ),
        case(
            "N4 often",
            "reset behind every 256 KiB",
            "goes on each time: what gets on is no failure",
            Play::once(|request, _| file(1).answer(request).cut_after(256 * 1024, Cut::Reset)).watch(40),
        ),
    ]
}

fn ends() -> Vec<Case> {
    const MUST: &str = "not done: goes on where it was";
    let never = |shield| {
        let play = Play::once(|request, _| {
            let start = request.range().map_or(0, |(start, _)| start);
            file(1).answer(request).cut_after(HALF.saturating_sub(start), Cut::End)
        });
        play.shield(shield).end(End::NeverDone).watch(6)
    };
    vec![
        case(
            "N5",
            "the connection ends in order before Content-Length, once",
            MUST,
            broken_once(HALF, Cut::End).ours(no_more_than_needed),
        ),
        case(
            "N5 tls",
            "the same behind TLS, without its farewell",
            MUST,
            broken_once(HALF, Cut::End).shield(Shield::Trusted),
        ),
        case(
            "N5 always",
            "no connection ever brings more than the first half",
            "never says it is done",
            never(Shield::None),
        ),
        case(
            "N5 always tls",
            "the same behind TLS, without its farewell",
            "never says it is done",
            never(Shield::Trusted),
        ),
    ]
}

fn chunks() -> Vec<Case> {
    const MUST: &str = "not done: fetches the rest or fails";
    /// A chunked answer whose body is these octets, then the end of the connection.
    fn raw(body: &str) -> Answer {
        Answer::raw(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}"))
    }
    let always = |body: &'static str| {
        let play = Play::once(move |_, _| raw(body)).right([Version::Bytes("abcdefgh".into())]);
        play.end(End::NeverDone).watch(4)
    };
    vec![
        case(
            "N6",
            "a chunked body without its last chunk, once",
            MUST,
            Play::once(|request, turn| match turn.number {
                1 => file(1).whole().framing(Framing::ChunkedWithoutEnd),
                _ => file(1).answer(request),
            }),
        ),
        case(
            "N6 always",
            "a chunked body without its last chunk, always",
            "never says it is done",
            Play::once(|_, _| file(1).whole().framing(Framing::ChunkedWithoutEnd)).end(End::NeverDone).watch(4),
        ),
        case("N6 inside", "the connection ends inside a chunk", "never says it is done", always("400\r\nabc")),
        case("N6 size", "a chunk's size is no number", "never says it is done", always("zz\r\nabc\r\n0\r\n\r\n")),
        case("N6 minus", "a chunk's size is negative", "never says it is done", always("-3\r\nabc\r\n0\r\n\r\n")),
        case(
            "N6 huge",
            "a chunk's size overflows 64 bits",
            "never says it is done",
            always("10000000000000003\r\nabc\r\n0\r\n\r\n"),
        ),
    ]
}

fn closes() -> Vec<Case> {
    let closed = || Play::once(|_, _| file(1).whole().without("Accept-Ranges").framing(Framing::Close));
    vec![
        case(
            "N7",
            "no length; the end of the connection ends the body",
            "done, and told to be unverified",
            closed().ours(|outcome| {
                let told = outcome.stdout.contains(r#""verification":"unverified""#);
                (!told).then(|| "the result does not say that nothing vouches for the length".to_owned())
            }),
        ),
        case(
            "N7 tls",
            "the same behind TLS without its farewell: the end may be forged",
            "never says it is done",
            Play::once(|_, _| {
                let answer = file(1).whole().without("Accept-Ranges").framing(Framing::Close);
                answer.cut_after(HALF, Cut::End)
            })
            .shield(Shield::Trusted)
            .end(End::NeverDone)
            .watch(4),
        ),
    ]
}

fn silences() -> Vec<Case> {
    const MUST: &str = "a new connection within two minutes, the bytes kept";
    let once = |answer: fn() -> Answer| {
        Play::once(move |request, turn| if turn.number == 1 { answer() } else { file(1).answer(request) }).slow(150)
    };
    vec![
        case("N8", "silence behind half of the file", MUST, once(|| file(1).whole().stall_after(HALF))),
        case("N8 head", "no answer to the request at all", MUST, once(Answer::silence)),
        case(
            "N9",
            "one of eight connections drips 1 KiB a second",
            "its rest is fetched by another one: done in seconds",
            Play::once(|request, turn| {
                let answer = ServedFile::new(1, 8 * LENGTH).answer(request);
                answer.drip(if turn.number == 3 { 1024 } else { LENGTH })
            })
            .becomes(ServedFile::new(1, 8 * LENGTH))
            .connections(8),
        ),
    ]
}

fn keep_alive() -> Vec<Case> {
    vec![case(
        "N11",
        "a kept connection closes just as it is used again",
        "the request goes out again on a new one",
        Play::once(|request, _| match request.path.as_str() {
            "/start" => Answer::redirect(302, "/file.bin"),
            _ if request.place > 1 => Answer::hang_up(Cut::End),
            _ => file(1).answer(request),
        })
        .path("start")
        .wish(|wish| wish.is_named_by_server = true),
    )]
}
