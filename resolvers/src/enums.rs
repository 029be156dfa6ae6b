//! Enums of the schema whose values are declared elsewhere: in `domain`, by refusals, by descriptors of commands.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::{EnumBuilder, MetaEnumValue, MetaType, MetaTypeId, Registry};
use async_graphql::{
    ContextSelectionSet, InputType, InputValueError, InputValueResult, Name, OutputType,
    Positioned, ServerResult, Value,
};
use domain::named::Named;

type Text = Cow<'static, str>;

/// A value of an enum.
pub trait EnumValue: Clone + Send + Sync + 'static {
    /// Name of the enum.
    fn enum_name() -> Text;

    /// Description of the enum.
    fn enum_description() -> Text;

    /// Every value with its description.
    fn all() -> impl Iterator<Item = (Self, Text)>;

    /// Name of the value.
    fn value_name(&self) -> Text;
}

/// An enum of `domain`.
impl<E: Named> EnumValue for E {
    fn enum_name() -> Text {
        E::ENUM.into()
    }

    fn enum_description() -> Text {
        E::DESCRIPTION.into()
    }

    fn all() -> impl Iterator<Item = (Self, Text)> {
        let values = E::NAMED.iter();
        values.map(|(value, _, description)| (*value, Text::from(*description)))
    }

    fn value_name(&self) -> Text {
        let name = self.name();
        // Scopes have the names of tokens.
        if name.contains(':') {
            name.replace(':', "_").to_uppercase().into()
        } else {
            name.into()
        }
    }
}

/// An enum of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnumOf<V>(pub V);

impl<V: EnumValue> From<V> for EnumOf<V> {
    fn from(value: V) -> Self {
        Self(value)
    }
}

impl<V: EnumValue> EnumOf<V> {
    /// The value of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let value = V::all().find(|(value, _)| value.value_name() == name);
        value.map(|(value, _)| Self(value))
    }

    fn meta_type(_: &mut Registry) -> MetaType {
        let description = |text: Text| Some(text.trim().replace("\n ", "\n"));
        let values = V::all().map(|(value, text)| {
            let mut meta = MetaEnumValue::new(value.value_name());
            meta.description = description(text);
            (value.value_name().into_owned(), meta)
        });
        EnumBuilder::new(V::enum_name(), values.collect())
            .description(description(V::enum_description()))
            .build()
    }
}

impl<V: EnumValue> OutputType for EnumOf<V> {
    fn type_name() -> Text {
        V::enum_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Enum, Self::meta_type)
    }

    async fn resolve(
        &self,
        _: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Ok(self.to_value())
    }
}

impl<V: EnumValue> InputType for EnumOf<V> {
    type RawValueType = Self;

    fn type_name() -> Text {
        V::enum_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_input_type::<Self, _>(MetaTypeId::Enum, Self::meta_type)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let value = value.unwrap_or_default();
        let name = match &value {
            Value::Enum(name) => name.as_str(),
            Value::String(name) => name,
            _ => return Err(InputValueError::expected_type(value)),
        };
        Self::named(name).ok_or_else(|| {
            let name = V::enum_name();
            InputValueError::custom(format_args!("this is not a value of {name}"))
        })
    }

    fn to_value(&self) -> Value {
        Value::Enum(Name::new(self.0.value_name()))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}
