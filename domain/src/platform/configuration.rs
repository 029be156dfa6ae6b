//! Refusals of configuration changes, and the checks that all sections share.

use rust_decimal::Decimal;

use crate::money::{AmountError, LARGEST_WHOLE_UNITS, Minor, amount};
use crate::refusal::{Fact, REASON_INVALID, Refusal, refusals, texts};

/// Largest number of decimals of a rate.
const RATE_DECIMALS: u32 = 12;

refusals! {
    /// Kinds of refusals of the system configuration; [`ConfigurationRefusal`] adds the setting.
    ConfigurationProblem, ConfigurationProblemKind, "Configuration";

    /// The reason is empty, longer than 500 characters, or has characters that are not visible.
    ReasonInvalid = REASON_INVALID;
    /// No section is given.
    NothingToChange = texts("NOTHING_TO_CHANGE", "",
        "give at least one section to change",
        "hãy nêu ít nhất một phần cấu hình cần thay đổi");
    /// A setting is too small or too large, or a list too long.
    OutOfRange { min: Decimal, max: Decimal } = texts("SETTING_OUT_OF_RANGE", "",
        "give a number from {min} to {max}",
        "hãy nhập một số từ {min} đến {max}");
    /// A setting is too small or too large, or a list too long.
    ListLength { min: Decimal, max: Decimal } = texts("SETTING_OUT_OF_RANGE", "",
        "give {min} to {max} items",
        "danh sách này cần có từ {min} đến {max} mục");
    /// A setting is too small or too large, or a list too long.
    TextLength { min: Decimal, max: Decimal } = texts("SETTING_OUT_OF_RANGE", "",
        "give {min} to {max} visible characters on one line",
        "hãy nhập từ {min} đến {max} ký tự hiển thị được trên một dòng");
    /// A setting has more decimals than can be stored.
    TooFine { max_decimals: u32 } = texts("SETTING_TOO_FINE", "",
        "give at most {max_decimals} decimals",
        "giá trị này có tối đa {max_decimals} chữ số thập phân");
    /// There are no tiers or more than 50.
    TierCount { min: Decimal, max: Decimal } = texts("TIER_COUNT", "",
        "give {min} to {max} tiers",
        "cần có từ {min} đến {max} bậc");
    /// A badge's name is empty, longer than 50 characters, or has characters that are not visible.
    BadgeName = texts("BADGE_NAME_INVALID", "",
        "give a name of 1 to 50 visible characters on one line: remove hidden characters and text-direction controls",
        "hãy đặt tên gồm 1 đến 50 ký tự hiển thị được trên một dòng: hãy xóa ký tự ẩn và ký tự đổi hướng chữ");
    /// Tiers leave a gap, overlap, do not start at day 1, or the last one has an end.
    TierGap { expected_days: u32 } = texts("TIERS_NOT_CONTIGUOUS", "",
        "this tier has to start on day {expected_days}: tiers leave no gap and don't overlap",
        "bậc này phải bắt đầu từ ngày {expected_days}: các bậc nối tiếp nhau, không hở và không chồng lên nhau");
    /// Tiers leave a gap, overlap, do not start at day 1, or the last one has an end.
    TierEmpty = texts("TIERS_NOT_CONTIGUOUS", "",
        "a tier can't end before it starts",
        "một bậc không thể kết thúc trước khi bắt đầu");
    /// Tiers leave a gap, overlap, do not start at day 1, or the last one has an end.
    TierEnd = texts("TIERS_NOT_CONTIGUOUS", "",
        "the last tier, and no other, has no last day",
        "chỉ bậc cuối không có ngày kết thúc");
    /// Only 1 level of referrals is supported.
    ReferralLevels = texts("REFERRAL_LEVELS_UNSUPPORTED", "",
        "only 1 level of referrals is supported",
        "chỉ hỗ trợ 1 cấp giới thiệu");
    /// A setting names a currency that is not listed.
    CurrencyUnknown = texts("CURRENCY_UNKNOWN", "",
        "list this currency first: it is not among the currencies",
        "loại tiền này chưa có trong danh sách tiền tệ: hãy thêm nó trước");
    /// A currency in use is missing, or its scale changes.
    CurrencyMissing = texts("CURRENCY_IN_USE", "",
        "a listed currency can't be removed: switch it off instead",
        "không thể xóa loại tiền đã có trong danh sách: hãy tắt nó đi");
    /// A currency in use is missing, or its scale changes.
    ScaleFixed = texts("CURRENCY_IN_USE", "",
        "the scale can't change: this currency has postings",
        "không thể đổi số chữ số thập phân: loại tiền này đã có bút toán");
    /// A service with holds or clearing accounts is missing or gets another name, or another service gets its name.
    IssuerMissing = texts("ISSUER_IN_USE", "",
        "a service with holds or clearing accounts keeps its name and stays in the list",
        "dịch vụ đã có khoản giữ hoặc tài khoản thanh toán bù trừ phải giữ nguyên tên và ở lại trong danh sách");
    /// A service with holds or clearing accounts is missing or gets another name, or another service gets its name.
    IssuerInUse = texts("ISSUER_IN_USE", "",
        "this name has holds or clearing accounts of another service: choose another name",
        "tên này đã có khoản giữ hoặc tài khoản thanh toán bù trừ của dịch vụ khác: hãy chọn tên khác");
    /// Two entries of a list have the same key.
    Duplicate = texts("DUPLICATE_ENTRY", "",
        "an earlier entry of this list has the same key: keep one of them",
        "một mục trước đó trong danh sách có cùng khóa: hãy giữ lại một mục");
    /// The name of a service is malformed or reserved.
    NameInvalid = texts("NAME_INVALID", "",
        "give a name of 1 to 40 characters of a–z, 0–9 and hyphen, other than mining, promotions, billing and wallets",
        "hãy đặt tên gồm 1 đến 40 ký tự a–z, 0–9 và dấu gạch nối, khác với mining, promotions, billing và wallets");
    /// A pair converts a currency into itself, or lacks the static rate it needs.
    PairInvalid = texts("PAIR_INVALID", "",
        "a currency can't be converted into itself: name two currencies",
        "không thể đổi một loại tiền sang chính nó: hãy nêu hai loại tiền");
    /// A pair converts a currency into itself, or lacks the static rate it needs.
    PairRateMissing = texts("PAIR_INVALID", "",
        "with rate source STATIC each pair needs a static rate",
        "với nguồn tỷ giá STATIC, mỗi cặp tiền cần có một tỷ giá cố định");
    /// A velocity rule limits neither the number nor the sum.
    RuleWithoutLimit = texts("RULE_WITHOUT_LIMIT", "",
        "give this rule a largest number, a largest sum, or both",
        "hãy đặt cho quy tắc này số lần tối đa, tổng tối đa, hoặc cả hai");
    /// The version given is not the one in force.
    Stale { current_version: i32 } = texts("CONFIGURATION_STALE", "",
        "version {current_version} is in force: read it before you change it",
        "cấu hình này đã được thay đổi: phiên bản hiện hành là {current_version}");
}

/// Refusal of a configuration change: the problem and the setting it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationRefusal {
    /// Path of the setting in the input: names, and places in lists. Empty for the command as a whole.
    pub path: Vec<String>,
    /// The problem.
    pub problem: ConfigurationProblem,
}

impl ConfigurationRefusal {
    /// The refusal with its path extended: the setting is nested deeper in the input.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        self.path.insert(0, outer.to_owned());
        self
    }
}

impl From<ConfigurationProblem> for ConfigurationRefusal {
    fn from(problem: ConfigurationProblem) -> Self {
        Self {
            path: problem.field(),
            problem,
        }
    }
}

impl std::fmt::Display for ConfigurationRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.problem.fmt(f)
    }
}

impl Refusal for ConfigurationRefusal {
    type Kind = ConfigurationProblemKind;
    const AGGREGATE: &'static str = ConfigurationProblem::AGGREGATE;
    const DECLARED: &'static [(Self::Kind, crate::refusal::Declaration)] =
        ConfigurationProblem::DECLARED;

    fn kind(&self) -> Self::Kind {
        self.problem.kind()
    }

    fn facts(&self) -> Vec<(&'static str, Fact)> {
        self.problem.facts()
    }

    fn field(&self) -> Vec<String> {
        self.path.clone()
    }
}

/// A checked setting, or its refusal.
pub type Judged<T> = Result<T, ConfigurationRefusal>;

/// Path of a setting.
#[derive(Clone, Debug)]
pub struct Field(Vec<String>);

impl Field {
    /// A setting of the section.
    #[must_use]
    pub fn of(name: &'static str) -> Self {
        Self(vec![name.to_owned()])
    }

    /// A setting of an item of a list.
    #[must_use]
    pub fn in_list(list: &'static str, place: usize, name: &'static str) -> Self {
        Self(vec![list.to_owned(), place.to_string(), name.to_owned()])
    }

    /// An item of a list.
    #[must_use]
    pub fn item(list: &'static str, place: usize) -> Self {
        Self(vec![list.to_owned(), place.to_string()])
    }

    /// An item of this setting, which is a list.
    #[must_use]
    pub fn nested(mut self, place: usize) -> Self {
        self.0.push(place.to_string());
        self
    }

    /// A field of this setting, which is an object.
    #[must_use]
    pub fn field(mut self, name: &'static str) -> Self {
        self.0.push(name.to_owned());
        self
    }

    /// A refusal of this setting.
    #[must_use]
    pub fn refuse(self, problem: ConfigurationProblem) -> ConfigurationRefusal {
        ConfigurationRefusal {
            path: self.0,
            problem,
        }
    }

    /// Checks the number of items of a list.
    pub fn length(self, items: usize, min: usize, max: usize) -> Judged<()> {
        if (min..=max).contains(&items) {
            return Ok(());
        }
        let (min, max) = (min.into(), max.into());
        Err(self.refuse(ConfigurationProblem::ListLength { min, max }))
    }

    /// Checks an integer.
    pub fn whole(self, value: i32, min: u32, max: u32) -> Judged<u32> {
        u32::try_from(value)
            .ok()
            .filter(|value| (min..=max).contains(value))
            .ok_or_else(|| {
                let (min, max) = (min.into(), max.into());
                self.refuse(ConfigurationProblem::OutOfRange { min, max })
            })
    }

    /// Checks a price or rate per unit: above 0, at most 12 decimals.
    pub fn rate(self, value: Decimal) -> Judged<Decimal> {
        let (min, max) = (
            Decimal::new(1, RATE_DECIMALS),
            Decimal::from(LARGEST_WHOLE_UNITS),
        );
        if value <= Decimal::ZERO || value > max {
            return Err(self.refuse(ConfigurationProblem::OutOfRange { min, max }));
        }
        let exact = value.normalize();
        if exact.scale() > RATE_DECIMALS {
            let max_decimals = RATE_DECIMALS;
            return Err(self.refuse(ConfigurationProblem::TooFine { max_decimals }));
        }
        Ok(exact)
    }

    /// Checks a decimal that is stored with `scale` decimals.
    pub fn exact(self, value: Decimal, scale: u8, min: Decimal, max: Decimal) -> Judged<Minor> {
        if !(min..=max).contains(&value) {
            return Err(self.refuse(ConfigurationProblem::OutOfRange { min, max }));
        }
        amount(value, scale).map_err(|error| {
            self.refuse(match error {
                AmountError::TooFine { scale } => ConfigurationProblem::TooFine {
                    max_decimals: scale.into(),
                },
                AmountError::TooLarge => ConfigurationProblem::OutOfRange { min, max },
            })
        })
    }
}
