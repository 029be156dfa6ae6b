//! Connections to the database, and the SQLSTATE of its errors.
//!
//! Diesel's error has a message and names, but no SQLSTATE, and its type hides the driver's error. So the stream of
//! each connection puts the SQLSTATE in front of the message of every error (`40P01: deadlock detected`), where
//! [`crate::DbError`] reads it. Messages can be in any language.
//!
//! The driver lets a program wrap its stream only as TLS. [`Connector`] therefore negotiates TLS itself, as `sslmode`
//! demands, and wraps encrypted and plain streams alike.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use diesel::ConnectionError;
use diesel::result::DatabaseErrorKind;
use diesel_async::AsyncPgConnection;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::UnixStream;
use tokio_postgres::config::{Host, SslMode, SslNegotiation};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{AsyncMessage, CancelToken, Config, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::either::Either;

use crate::{Connection, DbError, Result};

/// Idle time after which TCP keepalive probes are sent. A connection without a response is lost after three times this.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// Timeout of connecting.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// TLS configuration that trusts the machine's certificate store.
#[derive(Clone, derive_more::Debug)]
#[debug("Tls")]
pub struct Tls(rustls::ClientConfig);

impl Tls {
    /// Reads the machine's certificate store.
    #[must_use]
    pub fn from_machine() -> Self {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self(
            rustls::ClientConfig::builder()
                .with_root_certificates(roots)
                .with_no_client_auth(),
        )
    }
}

/// A parsed URL with the timeouts by which a vanished database is detected.
#[derive(Clone)]
pub(crate) struct Endpoint {
    /// A configuration per host, in the order in which they are tried.
    hosts: Vec<Config>,
    connector: Connector,
}

impl Endpoint {
    /// Parses a URL.
    pub fn new(url: &str, tls: &Tls) -> Result<Self, tokio_postgres::Error> {
        let mut config: Config = url.parse()?;
        config
            .connect_timeout(CONNECT_TIMEOUT)
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(KEEPALIVE / 3)
            .keepalives_retries(3)
            .tcp_user_timeout(KEEPALIVE * 2);
        if config.get_application_name().is_none() {
            config.application_name("goodgo");
        }
        let connector = Connector {
            rustls: MakeRustlsConnect::new(tls.0.clone()),
            mode: config.get_ssl_mode(),
            negotiation: config.get_ssl_negotiation(),
        };
        // The driver leaves the negotiation to the connector.
        config
            .ssl_mode(SslMode::Require)
            .ssl_negotiation(SslNegotiation::Direct);
        Ok(Self {
            hosts: split_by_host(&config),
            connector,
        })
    }

    /// Sets the name under which the database lists the connection.
    pub fn application_name(mut self, name: &str) -> Self {
        for host in &mut self.hosts {
            host.application_name(name);
        }
        self
    }

    /// Opens a connection for Diesel.
    pub async fn connect(&self) -> Result<Connection, ConnectionError> {
        let timeout = || ConnectionError::BadConnection(NO_ANSWER.to_owned());
        self.first(timeout, |host| self.connect_to(host)).await
    }

    /// Opens a connection for notifications, which are received by polling the second part.
    pub async fn connect_raw(&self) -> Result<(tokio_postgres::Client, Messages)> {
        let timeout = || DbError::Unavailable(NO_ANSWER.to_owned());
        self.first(timeout, |host| self.connect_raw_to(host)).await
    }

    /// The first connection that can be opened. All hosts together have [`CONNECT_TIMEOUT`], so that one that accepts
    /// connections and never answers does not hide the others.
    async fn first<'e, T, E, F: Future<Output = Result<T, E>>>(
        &'e self,
        timeout: impl Fn() -> E,
        connect: impl Fn(&'e Config) -> F,
    ) -> Result<T, E> {
        let share = CONNECT_TIMEOUT / u32::try_from(self.hosts.len()).unwrap_or(1).max(1);
        let mut failure = None;
        for host in &self.hosts {
            match tokio::time::timeout(share, connect(host)).await {
                Ok(Ok(connected)) => return Ok(connected),
                Ok(Err(error)) => failure = Some(error),
                Err(_) => failure = Some(timeout()),
            }
        }
        Err(failure.unwrap_or_else(timeout))
    }

    async fn connect_to(&self, host: &Config) -> Result<Connection, ConnectionError> {
        let bad = |error: tokio_postgres::Error| match error.as_db_error() {
            Some(refusal) => {
                ConnectionError::CouldntSetupConfiguration(diesel::result::Error::DatabaseError(
                    DatabaseErrorKind::Unknown,
                    Box::new(refusal.message().to_owned()),
                ))
            }
            None => ConnectionError::BadConnection(describe(&error)),
        };
        if let Some(path) = socket_of(host) {
            let stream = UnixStream::connect(&path).await.map_err(|error| {
                ConnectionError::BadConnection(format!("{}: {error}", path.display()))
            })?;
            let opened = host.connect_raw(stream, self.connector.unencrypted());
            let (client, connection) = opened.await.map_err(bad)?;
            tokio::spawn(connection);
            return AsyncPgConnection::try_from(client).await;
        }
        let connected = host.connect(self.connector.clone()).await;
        let (client, connection) = connected.map_err(bad)?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    }

    async fn connect_raw_to(&self, host: &Config) -> Result<(tokio_postgres::Client, Messages)> {
        let unavailable = |error: tokio_postgres::Error| DbError::Unavailable(describe(&error));
        if let Some(path) = socket_of(host) {
            let stream = UnixStream::connect(&path)
                .await
                .map_err(|error| DbError::Unavailable(format!("{}: {error}", path.display())))?;
            let opened = host.connect_raw(stream, self.connector.unencrypted());
            let (client, mut connection) = opened.await.map_err(unavailable)?;
            return Ok((
                client,
                Box::new(move |context| connection.poll_message(context)),
            ));
        }
        let opened = host.connect(self.connector.clone());
        let (client, mut connection) = opened.await.map_err(unavailable)?;
        Ok((
            client,
            Box::new(move |context| connection.poll_message(context)),
        ))
    }

    /// Cancels the statement of a connection to this endpoint.
    pub async fn cancel(&self, token: CancelToken) -> Result<(), tokio_postgres::Error> {
        match self
            .hosts
            .first()
            .and_then(socket_of)
            .map(UnixStream::connect)
        {
            Some(stream) => match stream.await {
                Ok(stream) => {
                    token
                        .cancel_query_raw(stream, self.connector.unencrypted())
                        .await
                }
                // Without a socket there is no statement to cancel.
                Err(_) => Ok(()),
            },
            None => token.cancel_query(self.connector.clone()).await,
        }
    }
}

/// Text of a timeout of connecting.
const NO_ANSWER: &str = "the server accepts connections, but doesn't answer";

/// The configuration of each host.
fn split_by_host(config: &Config) -> Vec<Config> {
    let (hosts, addresses) = (config.get_hosts(), config.get_hostaddrs());
    let of_host = |index: usize| {
        let mut one = Config::new();
        one.ssl_mode(config.get_ssl_mode())
            .ssl_negotiation(config.get_ssl_negotiation())
            .target_session_attrs(config.get_target_session_attrs())
            .channel_binding(config.get_channel_binding())
            .connect_timeout(CONNECT_TIMEOUT)
            .keepalives(config.get_keepalives())
            .keepalives_idle(config.get_keepalives_idle());
        if let Some(interval) = config.get_keepalives_interval() {
            one.keepalives_interval(interval);
        }
        if let Some(retries) = config.get_keepalives_retries() {
            one.keepalives_retries(retries);
        }
        if let Some(timeout) = config.get_tcp_user_timeout() {
            one.tcp_user_timeout(*timeout);
        }
        if let Some(user) = config.get_user() {
            one.user(user);
        }
        if let Some(password) = config.get_password() {
            one.password(password);
        }
        if let Some(name) = config.get_dbname() {
            one.dbname(name);
        }
        if let Some(options) = config.get_options() {
            one.options(options);
        }
        if let Some(name) = config.get_application_name() {
            one.application_name(name);
        }
        match hosts.get(index) {
            Some(Host::Tcp(name)) => drop(one.host(name)),
            Some(Host::Unix(folder)) => drop(one.host_path(folder)),
            None => {}
        }
        if let Some(address) = addresses.get(index) {
            one.hostaddr(*address);
        }
        let ports = config.get_ports();
        if let Some(port) = ports.get(index).or(ports.first()) {
            one.port(*port);
        }
        one
    };
    (0..hosts.len().max(addresses.len())).map(of_host).collect()
}

/// The Unix socket of a host.
fn socket_of(host: &Config) -> Option<PathBuf> {
    let port = host.get_ports().first().copied().unwrap_or(5432);
    match host.get_hosts().first() {
        Some(Host::Unix(folder)) => Some(folder.join(format!(".s.PGSQL.{port}"))),
        _ => None,
    }
}

/// Polls a connection for its next message; none after its end.
pub(crate) type Messages = Box<
    dyn FnMut(&mut Context<'_>) -> Poll<Option<Result<AsyncMessage, tokio_postgres::Error>>> + Send,
>;

/// The error with its causes, which the driver's own text omits.
pub(crate) fn describe(error: &tokio_postgres::Error) -> String {
    let first: &dyn std::error::Error = error;
    let errors = std::iter::successors(Some(first), |error| error.source());
    let texts: Vec<_> = errors.map(ToString::to_string).collect();
    texts.join(": ")
}

/// Request of the protocol to continue in TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

type Problem = Box<dyn std::error::Error + Send + Sync>;

/// An unencrypted stream.
trait Plain: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Plain for S {}

/// Negotiates TLS as the URL demands.
#[derive(Clone)]
struct Connector {
    rustls: MakeRustlsConnect,
    mode: SslMode,
    negotiation: SslNegotiation,
}

impl Connector {
    /// The connector of Unix sockets, which are never encrypted.
    fn unencrypted(&self) -> Negotiation {
        Negotiation {
            connector: Self {
                mode: SslMode::Disable,
                ..self.clone()
            },
            host: String::new(),
        }
    }
}

impl MakeTlsConnect<Socket> for Connector {
    type Stream = Tagging;
    type TlsConnect = Negotiation;
    type Error = std::convert::Infallible;

    fn make_tls_connect(&mut self, host: &str) -> Result<Negotiation, Self::Error> {
        Ok(Negotiation {
            connector: self.clone(),
            host: host.to_owned(),
        })
    }
}

/// The negotiation of one connection.
struct Negotiation {
    connector: Connector,
    host: String,
}

impl Negotiation {
    async fn negotiate<S>(mut self, mut stream: S) -> Result<Tagging, Problem>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Connector {
            mode, negotiation, ..
        } = self.connector;
        let is_encrypted = match (mode, negotiation) {
            (SslMode::Disable, _) => false,
            (_, SslNegotiation::Direct) => true,
            _ => {
                stream.write_all(&SSL_REQUEST).await?;
                stream.read_u8().await? == b'S'
            }
        };
        let stream: Either<Box<dyn Plain>, Box<dyn TlsStream + Send + Unpin>> = if is_encrypted {
            let rustls = &mut self.connector.rustls;
            let rustls = MakeTlsConnect::<S>::make_tls_connect(rustls, &self.host)?;
            Either::Right(Box::new(rustls.connect(stream).await?))
        } else if mode == SslMode::Require {
            return Err("server does not support TLS".into());
        } else {
            Either::Left(Box::new(stream))
        };
        Ok(Tagging {
            stream,
            received: BytesMut::with_capacity(BUFFER),
            passing: 0,
        })
    }
}

impl<S> TlsConnect<S> for Negotiation
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Tagging;
    type Error = Problem;
    type Future = BoxFuture<'static, Result<Tagging, Problem>>;

    fn connect(self, stream: S) -> Self::Future {
        self.negotiate(stream).boxed()
    }
}

/// Bytes that are read at once.
const BUFFER: usize = 8 * 1024;

/// A stream that puts the SQLSTATE in front of the messages of errors.
struct Tagging {
    stream: Either<Box<dyn Plain>, Box<dyn TlsStream + Send + Unpin>>,
    received: BytesMut,
    /// Number of bytes that can be passed on: the rest of a message that is no error, or a changed one.
    passing: usize,
}

impl Tagging {
    /// Changes the message at the start of the buffer if it is an error. Does nothing before it is complete.
    fn tag_error(&mut self) {
        let [tag, a, b, c, d, ..] = self.received[..] else {
            return;
        };
        let length = 1 + u32::from_be_bytes([a, b, c, d]) as usize;
        if tag != b'E' {
            self.passing = length;
        } else if self.received.len() >= length {
            let rest = self.received.split_off(length);
            self.received = tagged(&self.received);
            self.passing = self.received.len();
            self.received.unsplit(rest);
        }
    }
}

/// An ErrorResponse whose message begins with its SQLSTATE.
fn tagged(message: &[u8]) -> BytesMut {
    let fields = message
        .get(5..)
        .unwrap_or_default()
        .split(|byte| *byte == 0);
    let fields: Vec<&[u8]> = fields.filter(|field| !field.is_empty()).collect();
    let code = fields.iter().find_map(|field| field.strip_prefix(b"C"));
    let mut tagged = BytesMut::from(&b"E\0\0\0\0"[..]);
    for field in &fields {
        match (field.strip_prefix(b"M"), code) {
            (Some(text), Some(code)) => {
                for part in [b"M", code, b": ", text] {
                    tagged.extend_from_slice(part);
                }
            }
            _ => tagged.extend_from_slice(field),
        }
        tagged.extend_from_slice(&[0]);
    }
    tagged.extend_from_slice(&[0]);
    let length = u32::try_from(tagged.len() - 1).unwrap_or(u32::MAX);
    tagged[1..5].copy_from_slice(&length.to_be_bytes());
    tagged
}

impl AsyncRead for Tagging {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while out.remaining() > 0 {
            if this.passing == 0 {
                this.tag_error();
            }
            let count = this.passing.min(this.received.len()).min(out.remaining());
            if count > 0 {
                out.put_slice(&this.received[..count]);
                this.received.advance(count);
                this.passing -= count;
                return Poll::Ready(Ok(()));
            }
            let mut buffer = [0; BUFFER];
            let mut buffer = ReadBuf::new(&mut buffer);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.received.extend_from_slice(buffer.filled());
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tagging {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl TlsStream for Tagging {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.stream {
            Either::Left(_) => ChannelBinding::none(),
            Either::Right(stream) => stream.channel_binding(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ErrorResponse with these fields.
    fn error(fields: &[&str]) -> Vec<u8> {
        let mut body: Vec<u8> = Vec::new();
        for field in fields {
            body.extend(field.as_bytes());
            body.push(0);
        }
        body.push(0);
        let length = u32::try_from(body.len() + 4).unwrap();
        [&b"E"[..], &length.to_be_bytes(), &body].concat()
    }

    async fn read(chunks: &[&[u8]]) -> Vec<u8> {
        let (mut server, client) = tokio::io::duplex(1 << 20);
        let mut stream = Tagging {
            stream: Either::Left(Box::new(client)),
            received: BytesMut::new(),
            passing: 0,
        };
        for chunk in chunks {
            server.write_all(chunk).await.unwrap();
            server.flush().await.unwrap();
        }
        drop(server);
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        all
    }

    #[tokio::test]
    async fn tags_errors_with_their_sqlstate() {
        let row = [&b"D\0\0\x4e\x24"[..], &vec![b'E'; 20_000]].concat();
        let german = error(&["SFEHLER", "C40P01", "MVerklemmung entdeckt", "Hx"]);
        let tagged = error(&["SFEHLER", "C40P01", "M40P01: Verklemmung entdeckt", "Hx"]);
        let ready = b"Z\0\0\0\x05I";
        let sent = [&row[..], &german, ready, &german].concat();
        let expected = [&row[..], &tagged, ready, &tagged].concat();
        assert!(read(&[&sent]).await == expected);
        // One byte at a time.
        let bytes: Vec<&[u8]> = sent.chunks(1).collect();
        assert!(read(&bytes).await == expected);
    }
}
