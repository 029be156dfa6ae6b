//! Types that stand for another type of the schema.

/// Names an input as another type of the schema.
macro_rules! input_like {
    ($type:ty) => {
        type RawValueType = Self;

        fn type_name() -> std::borrow::Cow<'static, str> {
            <$type as async_graphql::InputType>::type_name()
        }

        fn qualified_type_name() -> String {
            <$type as async_graphql::InputType>::qualified_type_name()
        }

        fn create_type_info(registry: &mut async_graphql::registry::Registry) -> String {
            <$type as async_graphql::InputType>::create_type_info(registry)
        }

        fn as_raw_value(&self) -> Option<&Self> {
            Some(self)
        }
    };
}
pub(crate) use input_like;

/// Names an output as another type of the schema.
macro_rules! output_like {
    ($type:ty) => {
        fn type_name() -> std::borrow::Cow<'static, str> {
            <$type as async_graphql::OutputType>::type_name()
        }

        fn qualified_type_name() -> String {
            <$type as async_graphql::OutputType>::qualified_type_name()
        }

        fn create_type_info(registry: &mut async_graphql::registry::Registry) -> String {
            <$type as async_graphql::OutputType>::create_type_info(registry)
        }
    };
}
pub(crate) use output_like;
