//! A server that may open few files, with clients that send their headers slowly.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use super::program::{Program, folder};
use crate::support::PATIENCE;

#[test]
fn serves_while_slow_clients_hold_connections() {
    let folder = folder();
    let settings = [("GOODGO_HEADER_SECONDS", "2")];
    let program = Program::start_with_files(folder.path(), 300, &settings);
    let mut slow: Vec<_> = (0..320)
        .filter_map(|_| TcpStream::connect(program.address).ok())
        .collect();
    for stream in &mut slow {
        // A refused connection fails here.
        let _ = stream.write_all(b"G");
    }
    // One address never takes all connections.
    assert!(is_live(&program, [127, 0, 0, 2]));
    let started = Instant::now();
    loop {
        for stream in &mut slow {
            let _ = stream.write_all(b"E");
        }
        if is_live(&program, [127, 0, 0, 1]) {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "no answer");
        std::thread::sleep(Duration::from_millis(100));
    }
    program.stop();
}

/// Whether the server answers on a new connection from an address.
fn is_live(program: &Program, from: [u8; 4]) -> bool {
    let ask = || -> std::io::Result<bool> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((from, 0)).into())?;
        socket.connect(&program.address.into())?;
        let mut stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /health/ready HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.0 200"))
    };
    ask().unwrap_or(false)
}
