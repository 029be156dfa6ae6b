//! Runs the command of a mutation: authorization, idempotency key, transaction, outcome.

use std::sync::Arc;
use std::time::Instant;

use async_graphql::parser::types::Selection;
use async_graphql::{Context, InputType, Value};
pub(crate) use db::command::KeyRule;
use db::command::{Command, Refusal, Refused, Request};
use db::idempotency::Answer;
use db::{DbError, Tx};
use domain::access::{Action, Denied, Principal, Relation, Role};
use domain::text::is_line;
use domain::wallets::{Origin, OwnerKind, WalletOwner};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::command_slots::CommandSlots;
use crate::eager::is_camel_case;
pub(crate) use crate::errors::Loaded;
use crate::errors::{ApiError, Result};
use crate::inputs::Parsed;
use crate::node::NodeType;
use crate::request::{OperationContext, note_replay};
use crate::user_errors::UserErrorType;

/// Characters of an idempotency key at most.
const KEY_LENGTH: usize = 128;

/// The input of a mutation. [`mutations`] declares it.
pub(crate) trait CommandInput: InputType + 'static {
    /// The idempotency key in the input.
    fn idempotency_key(&self) -> Option<&str>;

    /// What the command needs before its transaction; nothing for most.
    fn admission<'a>(&'a self, _: &'a Context<'_>) -> BoxFuture<'a, Result<Option<Admission>>> {
        std::future::ready(Ok(None)).boxed()
    }
}

/// Something that a command holds from before its transaction until its outcome is known, such as a turn.
pub(crate) trait Admitted: Send + Sync {
    /// Takes note of the outcome: the code of a refusal, or none after a success or a fault. Not called when the client
    /// disconnects before.
    fn ended(&self, _refusal: Option<&str>) {}
}

/// See [`Admitted`].
pub(crate) type Admission = Arc<dyn Admitted>;

/// The payload of a mutation. [`mutations`] declares it.
pub(crate) trait Payload {
    /// Its user errors.
    type Error: UserErrorType;

    /// The payload of a refused command.
    fn refused(error: Self::Error) -> Self;
}

/// Declares mutations: the command with its body, the input's and the payload's own fields. Common fields are added; the
/// values of selected payload fields are read after the commit. The key rule of an input may be followed by the function that
/// admits its command (see [`Admitted`]).
///
/// ```text
/// mutations! {
///     /// Commands on circles.
///     CircleMutation;
///
///     /// Renames the circle that the caller owns.
///     circle_rename = CIRCLE_RENAME, |call| circle_rename(call.tx, call.request, &call.input.name).boxed();
///     CircleRenameInput(Optional) {
///         /// Name, 1 to 100 visible characters on one line; surrounding blanks are removed.
///         name: String,
///     }
///     CircleRenamePayload(CircleUserError) = |ctx, id: Uuid| {
///         /// The renamed circle; null when refused.
///         circle: Loaded<Circle> = load(ctx, CircleId(id)).await,
///     }
/// }
/// ```
macro_rules! mutations {
    (
        $(#[$doc:meta])* $root:ident;
        $(
            $(#[$mutation_doc:meta])* $mutation:ident = $command:expr, $body:expr;
            $input:ident($key:ident $(, $admit:path)?) { $($(#[$in_doc:meta])* $in_field:ident: $in_type:ty),* $(,)? }
            $payload:ident($error:ty) = |$ctx:ident, $done:ident: $done_type:ty| {
                $($(#[$out_doc:meta])* $out_field:ident: $out_type:ty = $out_value:expr),* $(,)?
            }
        )+
    ) => {
        $(#[$doc])*
        #[derive(Default)]
        pub struct $root;

        #[async_graphql::Object]
        impl $root {
            $(
                $(#[$mutation_doc])*
                async fn $mutation(
                    &self,
                    $ctx: &async_graphql::Context<'_>,
                    input: $crate::inputs::Parsed<$input>,
                ) -> $crate::errors::Loaded<$payload> {
                    let show = async |$done: $done_type| $payload {
                        $($out_field: if $crate::command::is_selected($ctx, stringify!($out_field)) {
                            $out_value
                        } else {
                            Default::default()
                        },)*
                        user_errors: Vec::new(),
                    };
                    $crate::command::run($ctx, &$command, input, $body, show).await
                }
            )+
        }

        $(
            const _: () = assert!(
                matches!($command.key, $crate::command::KeyRule::$key),
                concat!("the key of ", stringify!($input), " differs from its descriptor's")
            );

            #[doc = concat!("Input of `", stringify!($mutation), "`.")]
            #[derive(async_graphql::InputObject)]
            pub struct $input {
                $($(#[$in_doc])* pub $in_field: $in_type,)*
                /// Key of this intent.
                pub idempotency_key: $crate::command::key_type!($key),
            }

            impl $crate::command::CommandInput for $input {
                fn idempotency_key(&self) -> Option<&str> {
                    $crate::command::key_text!($key, self.idempotency_key)
                }

                $(fn admission<'a>(
                    &'a self,
                    ctx: &'a async_graphql::Context<'_>,
                ) -> futures_util::future::BoxFuture<
                    'a,
                    $crate::errors::Result<Option<$crate::command::Admission>>,
                > {
                    $admit(self, ctx)
                })?
            }

            #[doc = concat!("Result of `", stringify!($mutation), "`.")]
            #[derive(async_graphql::SimpleObject, Default)]
            pub struct $payload {
                $($(#[$out_doc])* pub $out_field: $out_type,)*
                /// Refusals; empty on success.
                pub user_errors: Vec<$error>,
            }

            $crate::object::used_getters!($payload: $($out_field,)* user_errors);

            impl $crate::command::Payload for $payload {
                type Error = $error;

                fn refused(error: $error) -> Self {
                    Self {
                        user_errors: vec![error],
                        ..Self::default()
                    }
                }
            }
        )+
    };
}
pub(crate) use mutations;

/// Whether the mutation's selection has a field of the payload.
pub(crate) fn is_selected(ctx: &Context<'_>, field: &str) -> bool {
    let mutation = ctx.field();
    let mut selected = mutation.selection_set();
    selected.any(|selected| is_camel_case(selected.name(), field))
}

/// Loads an object of a payload.
pub(crate) async fn load<T: NodeType>(ctx: &Context<'_>, key: T::Key) -> Loaded<T> {
    T::load(ctx, key).await.transpose()
}

/// Loads an object of a payload, if the command returned a key.
pub(crate) async fn load_some<T: NodeType>(ctx: &Context<'_>, key: Option<T::Key>) -> Loaded<T> {
    load(ctx, key?).await
}

/// The type of `idempotencyKey`.
macro_rules! key_type {
    (Optional) => { Option<String> };
    (Required) => { String };
}
pub(crate) use key_type;

/// The text of `idempotencyKey`.
macro_rules! key_text {
    (Optional, $key:expr) => {
        $key.as_deref()
    };
    (Required, $key:expr) => {
        Some($key.as_str())
    };
}
pub(crate) use key_text;

/// Arguments of a command's body.
pub(crate) struct Call<'t, I> {
    /// The transaction.
    pub tx: &'t mut Tx,
    /// Caller, key and input hash.
    pub request: &'t Request,
    /// The mutation's input.
    pub input: &'t I,
}

/// The body of a command; it may run more than once, see [`db::Db::write`].
pub(crate) type Body<I, T> = for<'t> fn(Call<'t, I>) -> BoxFuture<'t, Result<Answer<T>, DbError>>;

/// Runs a command once per idempotency key and returns what the mutation returns: on success `show` reads the objects
/// of the payload.
pub(crate) async fn run<I, R, T, P, F>(
    ctx: &Context<'_>,
    command: &'static Command<R>,
    input: Parsed<I>,
    body: Body<I, T>,
    show: impl FnOnce(T) -> F,
) -> Loaded<P>
where
    I: CommandInput,
    R: Refusal,
    T: Send + 'static,
    P: Payload,
    F: Future<Output = P>,
{
    let outcome = match outcome(ctx, command, input, body).await {
        Ok(outcome) => outcome,
        Err(error) => return Some(Err(error)),
    };
    Some(match outcome {
        Ok(done) => Ok(show(done).await),
        Err(refused) => P::Error::of(ctx, &refused).map(P::refused),
    })
}

/// Runs a command once per idempotency key; returns its result or refusal, and notes a replay.
pub(crate) async fn outcome<I: CommandInput, R: Refusal, T: Send + 'static>(
    ctx: &Context<'_>,
    command: &'static Command<R>,
    input: Parsed<I>,
    body: Body<I, T>,
) -> Result<Result<T, Refused>> {
    let started = Instant::now();
    let answered = answer(ctx, command, input, body).await;
    count(command, answered.as_ref(), started);
    let answer = answered?;
    if answer.is_replay {
        note_replay(ctx);
    }
    Ok(answer.outcome)
}

/// Counts a command by its outcome and measures it.
fn count<R: Refusal, T>(
    command: &'static Command<R>,
    answer: Result<&Answer<T>, &ApiError>,
    started: Instant,
) {
    let (outcome, code) = match answer.map(|answer| (answer.is_replay, &answer.outcome)) {
        Err(error) => ("failed", error.code().as_str()),
        Ok((true, _)) => ("replayed", ""),
        Ok((false, Ok(_))) => ("applied", ""),
        Ok((false, Err(refused))) => ("refused", code_of::<R>(refused).unwrap_or_default()),
    };
    metrics::counter!("goodgo_commands_total", "command" => command.name, "outcome" => outcome, "code" => code)
        .increment(1);
    metrics::histogram!("goodgo_command_duration_seconds", "command" => command.name)
        .record(started.elapsed());
}

/// The code of a stored refusal.
fn code_of<R: Refusal>(refused: &Refused) -> Option<&'static str> {
    let declared = refused.declaration::<R>();
    declared.map(|declared| declared.texts.code)
}

async fn answer<I: CommandInput, R: Refusal, T: Send + 'static>(
    ctx: &Context<'_>,
    command: &'static Command<R>,
    input: Parsed<I>,
    body: Body<I, T>,
) -> Result<Answer<T>> {
    let origin = authorize(ctx, command.name, command.action).await?;
    let input = input.get()?;
    let key = key(ctx, command.key, input.idempotency_key())?;
    let mut text = canonical(&input.to_value());
    if let Some(owner) = acting_for(ctx, command.action) {
        text.push_str(&owner.id.to_string());
    }
    let request = request(ctx, origin, key, &text);
    let admission = input.admission(ctx).await?;
    let slots: &CommandSlots = ctx.operation().services.of_contexts.get();
    // Kept by the write, which goes on when the client disconnects.
    let slot = slots.take(ctx.principal()).inspect_err(|_| {
        if let Some(admission) = &admission {
            admission.ended(None);
        }
    })?;
    let sent = Arc::new((request, input, slot, admission.clone()));
    let write = ctx.db().write(command.name, async move |tx: &mut Tx| {
        let (request, input, ..) = &*sent;
        body(Call { tx, request, input }).await
    });
    let answer = write.await;
    if let Some(admission) = admission {
        let refused = answer
            .as_ref()
            .ok()
            .and_then(|answer| answer.outcome.as_ref().err());
        admission.ended(refused.and_then(code_of::<R>));
    }
    Ok(answer?)
}

/// Checks the policy. Denied commands of staff and services are appended to the audit log.
async fn authorize(ctx: &Context<'_>, name: &'static str, action: Action) -> Result<Origin> {
    let is_own = !action.rule().own.is_empty();
    let principal = ctx.principal();
    let denied = principal.check(action, Relation::from(is_own)).err();
    let origin = match principal {
        Principal::Service(_) => Origin::Service,
        Principal::Person(person) if person.is_staff() && (!is_own || denied.is_some()) => {
            Origin::Staff
        }
        Principal::Person(_) | Principal::Anonymous => Origin::User,
    };
    let Some(denied) = denied else {
        return Ok(origin);
    };
    // Commands that neither staff nor services may send are not in the audit log, nor are attempts of other people.
    let is_recorded = action.rule().is_audited() && origin != Origin::User;
    if denied == Denied::Forbidden && is_recorded {
        let request = request(ctx, origin, None, "");
        db::platform::audit::append_forbidden(ctx.db(), request, name).await?;
    }
    Err(denied.into())
}

/// The merchant or advertiser for whom a person sends a command of that role. A key belongs to one of them: with another
/// one the same input is another command.
fn acting_for(ctx: &Context<'_>, action: Action) -> Option<WalletOwner> {
    let person = ctx.principal().person()?;
    let mut owners = action.rule().own.iter().filter_map(|role| match role {
        Role::Merchant => person.wallet_owner(OwnerKind::Merchant),
        Role::Advertiser => person.wallet_owner(OwnerKind::Advertiser),
        _ => None,
    });
    owners.next()
}

fn request(ctx: &Context<'_>, origin: Origin, key: Option<String>, input: &str) -> Request {
    let caller = &ctx.operation().caller;
    Request {
        principal: caller.principal.clone(),
        origin,
        key,
        hash: Request::hash_of(input),
        request_id: caller.request_id.clone(),
        subject: None,
    }
}

/// The key from the input or from the header.
fn key(ctx: &Context<'_>, rule: KeyRule, input: Option<&str>) -> Result<Option<String>> {
    let header = ctx.operation().caller.idempotency_key.as_deref();
    let key = match (input, header) {
        (Some(input), Some(header)) if input != header => {
            return Err(ApiError::bad_input(
                "`idempotencyKey` and the `Idempotency-Key` header differ: send one of them",
            ));
        }
        (None, Some(_)) if !is_only_mutation(ctx) => {
            return Err(ApiError::bad_input(
                "the `Idempotency-Key` header works with one mutation only: otherwise set `idempotencyKey` in each input",
            ));
        }
        (input, header) => input.or(header),
    };
    match key {
        None if rule == KeyRule::Required => Err(ApiError::bad_input(
            "`idempotencyKey` is required: send a new UUID for each command, and the same in its retries",
        )),
        Some(key) if !is_line(key, KEY_LENGTH) => Err(ApiError::bad_input(
            "`idempotencyKey` must have 1 to 128 visible characters, no leading or trailing blanks",
        )),
        key => Ok(key.map(str::to_owned)),
    }
}

/// Canonical text of the input without its key. Null fields are omitted.
fn canonical(input: &Value) -> String {
    let mut input = without_nulls(input);
    if let Value::Object(fields) = &mut input {
        fields.shift_remove("idempotencyKey");
    }
    input.to_string()
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| **value != Value::Null);
            let fields = fields.map(|(name, value)| (name.clone(), without_nulls(value)));
            Value::Object(fields.collect())
        }
        Value::List(items) => Value::List(items.iter().map(without_nulls).collect()),
        value => value.clone(),
    }
}

fn is_only_mutation(ctx: &Context<'_>) -> bool {
    let selected = &ctx.query_env.operation.node.selection_set.node.items;
    matches!(selected.as_slice(), [only] if matches!(only.node, Selection::Field(_)))
}
