//! How each language writes tests, assertions, skips and leniency. Layer 1.
//!
//! Refuses to know every library: the common ones, and what people call their own.

use std::sync::LazyLock;

use regex::Regex;

use crate::model::Language;

/// The shapes of one language's tests.
pub(super) struct Shapes {
    /// A test's head.
    pub(super) test: &'static LazyLock<Regex>,
    /// A line that can fail a test.
    pub(super) assertion: &'static LazyLock<Regex>,
    /// A line that keeps a test from running or from failing.
    pub(super) skip: &'static LazyLock<Regex>,
    /// A line that lets more pass.
    pub(super) lenient: &'static LazyLock<Regex>,
}

impl Shapes {
    pub(super) fn is(shape: &LazyLock<Regex>, line: &str) -> bool {
        shape.is_match(line)
    }
}

fn compiled(shape: &str) -> Regex {
    Regex::new(shape).expect("internal error: a shape of tests does not compile")
}

macro_rules! shape {
    ($name:ident, $text:expr) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| compiled($text));
    };
}

shape!(JS_TEST, r"^(?:it|test|specify|describe|context|suite)(?:\.(?:each|concurrent|only|failing))*\s*(?:\(|`)");
shape!(
    JS_ASSERT,
    r"\bexpect\w*\s*(?:\(|\.)|\bassert\w*\s*(?:\(|\.)|\.should\b|\bt\.(?:is|deepEqual|true|false|throws|not|equal|ok|same|match)\(|\.(?:to[A-Z]\w*|rejects|resolves)\b|\bverify\w*\(|\.each\b"
);
shape!(
    JS_SKIP,
    r"\b(?:it|test|describe|context|suite|specify)\.(?:skip|todo|only|fixme|fails|failing|skipIf|runIf)\b|\b(?:xit|xtest|xdescribe|xcontext|fit|fdescribe)\s*\(|\bthis\.skip\(|\bt\.skip\(|\bskip:\s*true|\[['\x22](?:skip|only|todo|fails|failing)['\x22]\]|\bpending\("
);
shape!(PY_TEST, r"^(?:async\s+)?def\s+test\w*\s*\(|^class\s+Test\w*");
shape!(
    PY_ASSERT,
    r"^assert\b|\bself\.assert\w+\(|\bself\.fail\w*\(|\bassert_\w+\(|\bpytest\.(?:raises|approx|warns|fail)\b|\.assert_\w+\(|\bexpect\w*\(|\bparametrize\("
);
shape!(
    PY_SKIP,
    r"\bmark\.(?:skip|skipif|xfail)\b|\bpytest\.(?:skip|xfail|importorskip)\(|@(?:unittest\.)?(?:skip|skipIf|skipUnless|expectedFailure)\b|\bself\.skipTest\(|\braise\s+(?:unittest\.)?SkipTest|__test__\s*=\s*False|collect_ignore|^pytest_plugins\b|--(?:exitfirst|deselect)\b"
);
shape!(RUST_TEST, r"^#\[(?:\w+::)*(?:test|rstest|test_case|proptest|quickcheck)\b");
shape!(
    RUST_ASSERT,
    r"\b(?:debug_)?assert\w*!|\bprop_assert\w*!|#\[should_panic|\bpanic!|\binsta::|\bexpect_err\(|\bunwrap_err\(|^#\[(?:case|values)\b"
);
shape!(
    RUST_SKIP,
    r"^#!?\[(?:ignore\b|cfg_attr\([^\]]*\bignore\b)|^#\[should_panic\b|^#!\[cfg\(|^#\[cfg\((?:any\(\)|FALSE|false|feature|not\(test\)|target_)"
);
shape!(GO_TEST, r"^func\s+(?:Test|Benchmark|Fuzz|Example)\w*\s*\(|\bt\.Run\(");
shape!(
    GO_ASSERT,
    r"\b[tb]\.(?:Error|Fatal|Fail)\w*\(|\b(?:assert|require|is|qt)\.\w+\(|\bcmp\.Diff\(|^if\b.*(?:[!=]=|\.(?:Is|Equal|DeepEqual)\()"
);
shape!(GO_SKIP, r"\b[tb]\.Skip\w*\(|^//\s*\+build\b|^//go:build\b|\btesting\.Short\(\)");
shape!(JVM_TEST, r"@(?:Test|ParameterizedTest|RepeatedTest|TestFactory|Theory|Property)\b");
shape!(
    JVM_ASSERT,
    r"\bassert\w*\s*[({<]|^assert\b|\bfail\s*\(|\bverify\w*\(|\bshould\w*\b|\bexpect\w*\s*[=(]|\bAssertions?\.|@(?:Csv|Value|Method|Enum)\w*Source\b"
);
shape!(JVM_SKIP, r"@(?:Ignore|Disabled\w*|Ignored|EnabledIf\w*)\b|\bassume\w*\s*\(|\bAssume\.|enabled\s*=\s*false");
shape!(CS_TEST, r"\[(?:Fact|Theory|Test|TestCase|TestMethod|DataRow|InlineData)\b");
shape!(CS_ASSERT, r"\bAssert\.|\.Should\(|\bVerify\w*\(");
shape!(CS_SKIP, r"\[Ignore\b|\bSkip\s*=|\[Explicit\b|\bAssert\.(?:Ignore|Inconclusive)\(");
shape!(RUBY_TEST, r"^(?:it|specify|scenario|test|describe|context|feature)\b.*(?:\bdo\b|\{)|^def\s+test_\w+");
shape!(RUBY_ASSERT, r"\bexpect\b|\bassert\w*\b|\brefute\w*\b|\bmust_\w+|\bshould\b|\bflunk\b");
shape!(
    RUBY_SKIP,
    r"^(?:xit|xdescribe|xcontext|xspecify|pending|skip)\b|\bskip:\s*(?:true|['\x22])|\bpending:\s*true|,\s*:(?:skip|pending)\b"
);
shape!(PHP_TEST, r"function\s+test\w*\s*\(|@test\b|#\[Test\]|^(?:it|test)\s*\(");
shape!(PHP_ASSERT, r"(?:\$this->|self::|static::)(?:assert|expect)\w*\(|\bexpect\s*\(|->to[A-Z]\w*\(");
shape!(PHP_SKIP, r"markTest(?:Skipped|Incomplete)\(|->skip\(|->todo\(|@group\s+skip|@requires\b");
shape!(NATIVE_TEST, r"^(?:TEST\w*|BOOST_\w*TEST_CASE|SCENARIO)\s*\(");
shape!(NATIVE_ASSERT, r"\b(?:ASSERT|EXPECT|CHECK|REQUIRE|BOOST_(?:CHECK|REQUIRE))\w*\s*\(|\bassert\s*\(");
shape!(NATIVE_SKIP, r"\bGTEST_SKIP\b|\bDISABLED_\w+|\bSKIP\s*\(|^#\s*if(?:def|ndef)?\b");
shape!(
    LENIENT,
    r"(?i)\btime_?out\w*\s*[:=(]|\bset_?time_?out\s*\(|\bretr(?:y|ies)\w*\s*[:=(]|\bflaky\b|\bmax_?(?:attempts|runs)\s*[:=(]|^return(?:\s+(?:true|none|nil|null|undefined|ok\(\(\)\)))?\s*;?$|\bos\._exit\(|\b(?:sys|process)\.exit\(|^(?:except\b|\}?\s*catch\b|\}?\s*rescue\b)|\bsuppress\(|\brecover\(\)|^/\*\s*$|^=begin\b|^(?:\x22{3}|'{3})\s*$"
);

shape!(
    INPUT,
    r"^(?:(?:const|let|var|val|auto|final|mut|static)\s+)*[\w.$]+(?:\s*:\s*[\w<>\[\], ]+)?\s*:?=[^=>~]|(?i)\b(?:expect(?:ed)?|want(?:ed)?|golden)\w*\s*[:=]"
);

/// What a test computes, and what it wants to see.
pub(super) static INPUTS: &LazyLock<Regex> = &INPUT;

/// Returns how a language writes its tests.
pub(super) const fn shapes(language: Language) -> Shapes {
    let (test, assertion, skip) = match language {
        Language::JavaScript | Language::TypeScript | Language::Tsx => (&JS_TEST, &JS_ASSERT, &JS_SKIP),
        Language::Python => (&PY_TEST, &PY_ASSERT, &PY_SKIP),
        Language::Rust => (&RUST_TEST, &RUST_ASSERT, &RUST_SKIP),
        Language::Go => (&GO_TEST, &GO_ASSERT, &GO_SKIP),
        Language::Java | Language::Kotlin => (&JVM_TEST, &JVM_ASSERT, &JVM_SKIP),
        Language::CSharp => (&CS_TEST, &CS_ASSERT, &CS_SKIP),
        Language::Ruby => (&RUBY_TEST, &RUBY_ASSERT, &RUBY_SKIP),
        Language::Php => (&PHP_TEST, &PHP_ASSERT, &PHP_SKIP),
        Language::Native => (&NATIVE_TEST, &NATIVE_ASSERT, &NATIVE_SKIP),
    };
    Shapes { test, assertion, skip, lenient: &LENIENT }
}
