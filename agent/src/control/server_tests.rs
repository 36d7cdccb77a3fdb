//! The control socket for real: a server and clients over a Unix socket, in the scale that the server promises.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::Ipv4Addr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bgp_wire::{Asn, AttrEditor, Family, Origin, RouterId};
use ipnet::IpNet;
use rib::{AllReachable, DecisionConfig, Rib, RibConfig, Selection};
use tokio::runtime::Runtime;

use super::fake::{Synthetic, node, synthetic};
use super::protocol::{
    ErrorCode, MAX_REQUEST, Reply, Request, RouteQuery, RoutesRequest, SORTED_ROWS,
};
use super::rib_table::RibTable;
use super::server::{BindError, CONNECTIONS, ControlSocket};
use super::views::Views;
use crate::args::ShowFormat;
use crate::cli::client::{AskError, Replies};
use crate::cli::show_routes;
use crate::cli::table::Screen;

/// A folder of the test's own, gone when the test is.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("cosmos-{}-{n}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("run").join("cosmos.sock")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn serve(runtime: &Runtime, path: &Path, views: impl Views) {
    let _inside = runtime.enter();
    let socket = ControlSocket::bind(path).unwrap();
    runtime.spawn(socket.serve(Arc::new(views)));
}

fn all_routes() -> Request {
    Request::Routes(RoutesRequest::default())
}

fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
fn the_socket_is_its_owners_alone_and_goes_with_the_agent() {
    let folder = Folder::new();
    let runtime = runtime();
    let _inside = runtime.enter();
    let socket = ControlSocket::bind(&folder.socket()).unwrap();
    let made = fs::metadata(folder.socket()).unwrap();
    assert!(made.file_type().is_socket());
    assert_eq!(made.permissions().mode() & 0o777, 0o600);
    drop(socket);
    assert!(!folder.socket().exists());
}

#[test]
fn a_socket_left_behind_is_replaced() {
    let folder = Folder::new();
    fs::create_dir_all(folder.socket().parent().unwrap()).unwrap();
    drop(UnixListener::bind(folder.socket()).unwrap());
    fs::set_permissions(folder.socket(), Permissions::from_mode(0o777)).unwrap();
    let runtime = runtime();
    serve(&runtime, &folder.socket(), node());
    assert_eq!(
        fs::metadata(folder.socket()).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(
        Replies::ask(&folder.socket(), &Request::Summary)
            .unwrap()
            .all(|reply| reply.is_ok())
    );
}

#[test]
fn a_second_agent_is_told_of_the_first() {
    let folder = Folder::new();
    let runtime = runtime();
    serve(&runtime, &folder.socket(), node());
    let _inside = runtime.enter();
    let error = ControlSocket::bind(&folder.socket()).unwrap_err();
    assert!(matches!(error, BindError::InUse(_)));
    assert!(
        error.to_string().starts_with("another agent answers on "),
        "{error}"
    );
    // The first is as well as before.
    assert_eq!(
        Replies::ask(&folder.socket(), &Request::Summary)
            .unwrap()
            .count(),
        9
    );
}

#[test]
fn what_is_not_a_socket_is_left_alone() {
    let folder = Folder::new();
    fs::create_dir_all(folder.socket().parent().unwrap()).unwrap();
    fs::write(folder.socket(), "precious").unwrap();
    let runtime = runtime();
    let _inside = runtime.enter();
    let error = ControlSocket::bind(&folder.socket()).unwrap_err();
    assert!(matches!(error, BindError::NotASocket(_)));
    assert_eq!(fs::read_to_string(folder.socket()).unwrap(), "precious");
}

#[test]
fn a_name_that_was_taken_over_is_not_removed() {
    let folder = Folder::new();
    let runtime = runtime();
    let _inside = runtime.enter();
    let socket = ControlSocket::bind(&folder.socket()).unwrap();
    fs::remove_file(folder.socket()).unwrap();
    fs::write(folder.socket(), "somebody else's").unwrap();
    drop(socket);
    assert!(folder.socket().exists());
}

#[test]
fn nobody_there_is_said_in_one_line() {
    let folder = Folder::new();
    let error = Replies::ask(&folder.socket(), &Request::Summary).unwrap_err();
    let wanted = format!(
        "no agent answers on {}: is `cosmos run` running? (--socket names another)",
        folder.socket().display()
    );
    assert_eq!(error.to_string(), wanted);
    assert_eq!(error.status(), 2);
}

#[test]
fn an_agent_that_dies_in_mid_sentence_is_noticed() {
    let folder = Folder::new();
    let path = folder.0.join("s");
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        stream.write_all(b"{\"end\":{\"rows\":").unwrap();
    });
    let mut replies = Replies::ask(&path, &Request::Summary).unwrap();
    match replies.next() {
        Some(Err(error @ AskError::Broken { .. })) => assert_eq!(error.status(), 2),
        other => panic!("{other:?}"),
    }
}

#[test]
fn requests_that_make_no_sense_cost_nothing_but_an_answer() {
    let folder = Folder::new();
    let runtime = runtime();
    serve(&runtime, &folder.socket(), node());
    let mut stream = UnixStream::connect(folder.socket()).unwrap();
    let mut read = BufReader::new(stream.try_clone().unwrap());
    let mut answer = |request: &[u8]| {
        // The server may hang up on what is too long before all of it is written.
        let _ = stream.write_all(request);
        let mut line = String::new();
        read.read_line(&mut line).unwrap();
        serde_json::from_str::<Reply>(&line).unwrap()
    };
    let bad = |reply| match reply {
        Reply::Error(error) => assert_eq!(error.code, ErrorCode::BadRequest),
        other => panic!("{other:?}"),
    };
    bad(answer(b"GET / HTTP/1.1\n"));
    bad(answer(b"{\"request\":\"format the disk\"}\n"));
    bad(answer(b"\xff\xfe\n"));
    bad(answer(b"{\"request\":\"routes\",\"side\":\"in\"}\n"));
    // The same connection goes on to be useful.
    assert!(matches!(
        answer(b"{\"request\":\"summary\"}\n"),
        Reply::Agent(_)
    ));
    let mut long = vec![b' '; MAX_REQUEST + 1];
    long.push(b'\n');
    let mut stream = UnixStream::connect(folder.socket()).unwrap();
    let _ = stream.write_all(&long);
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    assert!(text.contains("too long"), "{text}");
}

#[test]
fn up_to_ten_thousand_rows_are_sorted_and_more_are_not() {
    let folder = Folder::new();
    let runtime = runtime();
    for (rows, sorted) in [(SORTED_ROWS as u64, true), (SORTED_ROWS as u64 + 1, false)] {
        let path = folder.0.join(format!("{rows}"));
        serve(&runtime, &path, synthetic(Arc::new(Synthetic::new(rows))));
        let mut replies = Replies::ask(&path, &all_routes()).unwrap();
        let mut prefixes = Vec::new();
        for reply in &mut replies {
            if let Reply::Route(row) = reply.unwrap() {
                prefixes.push(row.prefix);
            }
        }
        assert_eq!(prefixes.len() as u64, rows);
        assert_eq!(prefixes.is_sorted(), sorted);
        let end = replies.end().unwrap();
        assert_eq!((end.rows, end.sorted), (rows, sorted));
        prefixes.sort();
        prefixes.dedup();
        assert_eq!(prefixes.len() as u64, rows, "every row once");
    }
}

/// A table keeps routes by their hashes; who asks for a prefix gets what is inside in order all the same.
#[test]
fn what_is_inside_a_prefix_is_sorted_however_much_it_is() {
    const INSIDE: u32 = SORTED_ROWS as u32 + 2_345;
    let rib = Arc::new(Rib::new(RibConfig {
        shards: 4,
        local_as: Asn(65_000),
        router_id: RouterId(1),
        cluster_id: None,
        selection: Selection {
            decision: DecisionConfig::default(),
            max_paths: 1,
            require_reachable: false,
        },
        next_hops: Arc::new(AllReachable),
    }));
    let mut editor = AttrEditor::new();
    editor.set_origin(Origin::Igp);
    for n in 0..INSIDE + 100 {
        // 10.0.0.0/8, and some behind it.
        let first = if n < INSIDE { 10 << 24 } else { 11 << 24 };
        let net = IpNet::new(Ipv4Addr::from(first + n * 256).into(), 24).unwrap();
        rib.originate(net, editor.finish(), 1);
    }
    let table = RibTable::new(rib, vec![Family::IPV4_UNICAST], Vec::new());
    let folder = Folder::new();
    let runtime = runtime();
    serve(&runtime, &folder.socket(), synthetic(Arc::new(table)));
    let request = Request::Routes(RoutesRequest {
        prefix: Some(RouteQuery::Longer("10.0.0.0/8".parse().unwrap())),
        ..RoutesRequest::default()
    });
    let mut replies = Replies::ask(&folder.socket(), &request).unwrap();
    let mut prefixes = Vec::new();
    for reply in &mut replies {
        if let Reply::Route(row) = reply.unwrap() {
            prefixes.push(row.prefix.unwrap().to_string());
        }
    }
    let wanted = (0..INSIDE).map(|n| format!("10.{}.{}.0/24", n >> 8, n & 255));
    assert!(wanted.eq(prefixes), "in order, each once");
    let end = replies.end().unwrap();
    assert_eq!((end.rows, end.sorted), (u64::from(INSIDE), true));
}

#[test]
fn a_million_rows_pass_through_bounded_memory() {
    const ROWS: u64 = 1_000_000;
    let folder = Folder::new();
    let runtime = runtime();
    serve(
        &runtime,
        &folder.socket(),
        synthetic(Arc::new(Synthetic::new(ROWS))),
    );

    /// Counts lines and octets, keeps only the last line.
    #[derive(Default)]
    struct Counted {
        lines: u64,
        octets: u64,
        longest: usize,
        line: usize,
        most: u64,
    }
    impl Write for Counted {
        fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
            for octet in data {
                self.line += 1;
                if *octet == b'\n' {
                    self.lines += 1;
                    self.longest = self.longest.max(self.line - 1);
                    self.line = 0;
                    if self.lines.is_multiple_of(50_000) {
                        self.most = self.most.max(resident());
                    }
                }
            }
            self.octets += data.len() as u64;
            Ok(data.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let before = resident();
    let mut replies = Replies::ask(&folder.socket(), &all_routes()).unwrap();
    let mut screen = Screen::new(Counted::default(), false);
    let rows = show_routes::render(&mut replies, ShowFormat::Table, &mut screen).unwrap();
    assert_eq!(rows, ROWS);
    assert!(!replies.end().unwrap().sorted);
    let counted = screen.out;
    assert!(counted.lines >= ROWS);
    assert!(counted.longest <= 100);
    assert!(counted.octets > 50 * ROWS);
    let grown = counted.most.saturating_sub(before);
    // The rows held to find out whether to sort take about 5 MB, and other tests run beside this one; all rows would
    // take 500 MB.
    assert!(grown < 96 << 20, "{grown} octets more for {ROWS} rows");
}

#[test]
fn a_client_that_does_not_read_holds_up_nobody() {
    const ROWS: u64 = 1_000_000;
    let folder = Folder::new();
    // One worker: a client that blocked it would block everybody.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let table = Arc::new(Synthetic::new(ROWS));
    serve(&runtime, &folder.socket(), synthetic(table.clone()));

    let stuck: Vec<UnixStream> = (0..3)
        .map(|_| {
            let mut stream = UnixStream::connect(folder.socket()).unwrap();
            let mut line = serde_json::to_vec(&all_routes()).unwrap();
            line.push(b'\n');
            stream.write_all(&line).unwrap();
            stream
        })
        .collect();
    // They are stuck when no more rows are made for them.
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut made = 0;
    loop {
        std::thread::sleep(Duration::from_millis(300));
        let now = table.made.load(Ordering::Relaxed);
        if now == made && now > 0 {
            break;
        }
        made = now;
        assert!(Instant::now() < deadline, "still making rows for nobody");
    }
    // Each has what is collected to be sorted, a page, and what the socket holds: nowhere near all.
    let bound = stuck.len() as u64 * (SORTED_ROWS as u64 + 5_000);
    assert!(made <= bound, "{made} rows made for clients that read none");

    for _ in 0..20 {
        assert_eq!(
            Replies::ask(&folder.socket(), &Request::Summary)
                .unwrap()
                .count(),
            2
        );
    }
    drop(stuck);
}

#[test]
fn a_search_that_finds_little_does_not_hold_up_others() {
    let folder = Folder::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let table = Arc::new(Synthetic {
        every: 400_000,
        ..Synthetic::new(1_000_000_000)
    });
    serve(&runtime, &folder.socket(), synthetic(table.clone()));
    let mut search = UnixStream::connect(folder.socket()).unwrap();
    let mut line = serde_json::to_vec(&all_routes()).unwrap();
    line.push(b'\n');
    search.write_all(&line).unwrap();
    while table.pages.load(Ordering::Relaxed) < 100 {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(
        Replies::ask(&folder.socket(), &Request::Summary)
            .unwrap()
            .count(),
        2
    );
    runtime.shutdown_background();
}

#[test]
fn too_many_clients_are_told_so() {
    let folder = Folder::new();
    let runtime = runtime();
    serve(&runtime, &folder.socket(), node());
    let idle: Vec<UnixStream> = (0..CONNECTIONS)
        .map(|_| UnixStream::connect(folder.socket()).unwrap())
        .collect();
    match Replies::ask(&folder.socket(), &Request::Summary)
        .unwrap()
        .next()
    {
        Some(Err(AskError::No(error))) => assert_eq!(error.code, ErrorCode::Busy),
        other => panic!("{other:?}"),
    }
    drop(idle);
    let deadline = Instant::now() + Duration::from_secs(10);
    while Replies::ask(&folder.socket(), &Request::Summary)
        .unwrap()
        .any(|reply| reply.is_err())
    {
        assert!(Instant::now() < deadline, "places are not given back");
        std::thread::sleep(Duration::from_millis(20));
    }
}
