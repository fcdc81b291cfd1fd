//! Proxies named by a job.

use ropeway_drivers::{Clients, Context, DriverError};
use ropeway_model::{FailureCode, Network, Retry};
use ropeway_testkit::{
    Asked, AskedTunnel, Pattern, Peer, SocksProxy, TunnelProxy, free_port,
    peer::{Answer, ServedFile},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::ground::{Download, context, read, url};

fn through(address: &str, proxy: &str) -> Context {
    Context { network: Network { proxy: Some(url(proxy)), ..Network::default() }, ..context(address) }
}

#[tokio::test]
async fn a_plain_request_goes_through_the_jobs_proxy_even_to_this_machine() {
    let proxy = Peer::serve(ServedFile::new(1, 1_000)).await;
    let target = format!("http://127.0.0.1:{}/f", free_port());
    let login = proxy.url("").replace("http://", "http://user:password@");
    let probe = Download::with(through(&target, &login), &target).probe().await.unwrap();
    assert_eq!(read(probe.body).await.0, Pattern::new(1).bytes(0, 1_000));
    let request = &proxy.requests()[0];
    assert_eq!(request.path, target);
    assert_eq!(request.header("Proxy-Authorization"), Some("Basic dXNlcjpwYXNzd29yZA=="));
}

#[tokio::test]
async fn a_proxy_that_is_down_or_refuses_the_tunnel_fails_the_request_and_is_never_passed_by() {
    let target = Peer::serve(ServedFile::new(1, 1_000)).await;
    let down = format!("http://user:password@127.0.0.1:{}/", free_port());
    let refusing = Peer::start(|_| Answer::status(403)).await;
    let secure = target.url("f").replace("http://", "https://");
    for (address, proxy) in [
        (target.url("f"), down.clone()),
        (secure.clone(), down.clone()),
        (secure, refusing.url("")),
        (target.url("f"), down.replace("http://", "socks5h://")),
    ] {
        let error = Download::with(through(&address, &proxy), &address).probe_error().await;
        assert!(matches!(error, DriverError::Proxy { .. }), "{error}");
        assert!(!error.to_string().contains("password"), "{error}");
    }
    assert_eq!(refusing.requests()[0].method, "CONNECT");
    assert!(target.requests().is_empty());
}

#[tokio::test]
async fn a_proxy_that_wants_a_login_is_named_and_not_asked_again() {
    let proxy = Peer::start(|_| Answer::status(407).header("Proxy-Authenticate", "Basic realm=x")).await;
    for scheme in ["http", "https"] {
        let target = format!("{scheme}://127.0.0.1:{}/f", free_port());
        for login in ["user:wrong@", ""] {
            let named = proxy.url("").replace("http://", &format!("http://{login}"));
            let error = Download::with(through(&target, &named), &target).probe_error().await;
            assert_eq!((error.code(), error.retry()), (FailureCode::ProxyFailed, Retry::Never), "{scheme} {error}");
            let told = error.to_string();
            assert!(told.contains(&format!("127.0.0.1:{}", proxy.port())) && !told.contains("wrong"), "{told}");
            assert!(told.contains("user name and password"), "{told}");
        }
    }
}

#[tokio::test]
async fn a_socks_proxy_that_does_not_take_the_login_is_not_asked_again() {
    let (refused, silent) = ("refuses this user name and password", "it would take it does not say");
    // Asks for a login and refuses it, takes none of the ways that are offered, or chooses one that was not.
    for (login, answers, told) in [
        ("user:wrong@", [&[5_u8, 2][..], &[1, 1]], refused),
        ("user:wrong@", [&[5, 0xff], &[]], silent),
        ("", [&[5, 0xff], &[]], silent),
        ("", [&[5, 2], &[]], silent),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let proxy = tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            for answer in answers {
                let mut said = [0; 64];
                let _ = client.read(&mut said).await.unwrap();
                client.write_all(answer).await.unwrap();
            }
        });
        let target = format!("http://127.0.0.1:{}/f", free_port());
        let named = format!("socks5://{login}127.0.0.1:{port}");
        let error = Download::with(through(&target, &named), &target).probe_error().await;
        assert_eq!((error.code(), error.retry()), (FailureCode::ProxyFailed, Retry::Never), "{login} {error}");
        assert!(error.to_string().contains(told) && !error.to_string().contains("wrong"), "{error}");
        // What was not said is not claimed.
        assert_eq!(matches!(error, DriverError::ProxyMethod { .. }), told == silent, "{error}");
        assert!(login.is_empty() || !error.to_string().contains("without a login"), "{error}");
        proxy.abort();
    }
}

#[tokio::test]
async fn a_socks_proxy_gets_the_name_where_it_is_to_resolve_it_and_the_address_otherwise() {
    let peer = Peer::serve(ServedFile::new(1, 1_000)).await;
    for (scheme, target, host) in [
        ("socks5h", "http://no-such-host.invalid:81/f", "no-such-host.invalid"),
        ("socks5", "http://127.0.0.1:81/f", "127.0.0.1"),
    ] {
        let proxy = SocksProxy::start(peer.port()).await;
        let named = format!("{scheme}://user:password@127.0.0.1:{}", proxy.port());
        let probe = Download::with(through(target, &named), target).probe().await.unwrap();
        assert_eq!(read(probe.body).await.0, Pattern::new(1).bytes(0, 1_000));
        let login = ("user".to_owned(), "password".to_owned());
        assert_eq!(proxy.asked(), [Asked { login, host: host.to_owned(), port: 81 }]);
    }
    assert!(peer.requests().iter().all(|request| request.path == "/f"));
}

#[tokio::test]
async fn a_proxy_of_an_unknown_kind_is_refused() {
    let target = "http://example.org/f";
    let error = Download::with(through(target, "ftp://127.0.0.1/"), target).probe_error().await;
    assert!(matches!(error, DriverError::Proxy { .. }), "{error}");
}

#[tokio::test]
async fn an_encrypted_request_goes_through_a_tunnel_and_the_proxys_login_ends_there() {
    let file = ServedFile::new(1, 1_000);
    let peer = Peer::start_tls("files.example", move |request| file.answer(request)).await;
    let login = "Basic dXNlcjpwYXNzd29yZA==";
    let proxy = TunnelProxy::start(Some(login)).await;
    // The name resolves nowhere: only the proxy knows the way.
    let target = peer.url("f");
    let mut context = through(&target, &proxy.url("user:password@"));
    context.network.ca_file = Some(peer.ca_file());
    let probe = Download::with(context, &target).probe().await.unwrap();
    assert_eq!(read(probe.body).await.0, Pattern::new(1).bytes(0, 1_000));
    let asked = AskedTunnel { target: format!("files.example:{}", peer.port()), login: Some(login.to_owned()) };
    assert_eq!(proxy.asked(), [asked]);
    assert_eq!(peer.requests()[0].header("Proxy-Authorization"), None);
}

#[tokio::test]
async fn a_proxy_that_wants_another_login_is_asked_once_and_named() {
    let peer = Peer::start_tls("files.example", |_| Answer::status(200)).await;
    let proxy = TunnelProxy::start(Some("Basic x")).await;
    let mut context = through(&peer.url("f"), &proxy.url("user:password@"));
    context.network.ca_file = Some(peer.ca_file());
    let error = Download::with(context, &peer.url("f")).probe_error().await;
    assert!(matches!(error, DriverError::ProxyLogin { .. }) && !error.to_string().contains("user:"), "{error}");
    assert_eq!(proxy.asked().len(), 1);
    assert!(peer.requests().is_empty());
}

#[tokio::test]
async fn what_a_document_names_is_the_proxys_to_look_up_and_to_refuse() {
    let clients = Clients::default();
    let through = Network { proxy: Some(url("socks5h://127.0.0.1:1")), ..Network::default() };
    let (far, near) = (url("https://198.51.100.7/list.meta4"), url("http://files.localhost/f"));
    for (network, may_redirect) in [(Network::default(), false), (through, true)] {
        assert_eq!(clients.may_redirect(&far, &near, &network).await, may_redirect, "{network:?}");
    }
}
