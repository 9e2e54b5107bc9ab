//! Whose frame it is: one table of names and paths for all languages. Layer 1.

use std::sync::LazyLock;

use super::FrameKind;

/// Where a rule looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    /// The whole name, module included, is this.
    Name,
    /// The whole name starts with this.
    Start,
    /// The function alone is this.
    Function,
    /// The function alone starts with this.
    FunctionStart,
    /// The whole name has this somewhere.
    Within,
    /// The normalised path has this somewhere, counted from a folder's border.
    Path,
}

/// A row: languages (empty: all), where it looks, what for (words between spaces), what the frame is.
type Row = (&'static str, On, &'static str, FrameKind);

use FrameKind::{Async, Dep, Runtime, Std, Test, Throw};
use On::{Function, FunctionStart, Name, Path, Start, Within};

/// Ordered: the first row that fits decides. Throwing comes before libraries, for it is always somebody's library.
const ROWS: &[Row] = &[
    // How errors are thrown: never where the bug is.
    (
        "rust",
        Start,
        "core::panicking:: std::panicking:: std::rt::begin_panic core::option::expect_failed \
        core::option::unwrap_failed core::result::unwrap_failed core::slice::index::slice_ \
        core::str::slice_error_fail core::cell::panic_ alloc::alloc::handle_alloc_error \
        alloc::raw_vec::capacity_overflow std::process::abort anyhow::error:: anyhow::__private",
        Throw,
    ),
    (
        "rust",
        Function,
        "rust_begin_unwind rust_panic __rust_start_panic begin_panic_handler panic_fmt panic_bounds_check \
        __rust_end_short_backtrace rust_panic_with_hook",
        Throw,
    ),
    (
        "go",
        Name,
        "panic runtime.gopanic runtime.sigpanic runtime.panicmem runtime.throw runtime.fatalthrow \
        runtime.fatalpanic runtime.dopanic_m runtime.panicdivide runtime.panicwrap runtime.panicdottypeE \
        runtime.panicdottypeI runtime.systemstack runtime.mapassign runtime.panicnil log.Fatal log.Fatalf \
        log.Panic log.Panicf",
        Throw,
    ),
    (
        "go",
        Start,
        "runtime.goPanic runtime.panic runtime.mapassign runtime.(*TypeAssertionError) runtime/debug. \
        github.com/pkg/errors. github.com/stretchr/testify/",
        Throw,
    ),
    (
        "js",
        Function,
        "invariant assert assertEqual strictEqual deepStrictEqual captureStackTrace prepareStackTrace throwError \
        throwTypedError fail ok innerOk innerFail equal notStrictEqual rejects",
        Throw,
    ),
    ("python", Path, "werkzeug/exceptions.py unittest/case.py numpy/testing/", Throw),
    (
        "ruby",
        Function,
        "raise raise_record_invalid raise_record_not_found_exception! raise_nested_attributes_record_not_found! \
        fail abort raise_error const_missing method_missing",
        Throw,
    ),
    ("php", FunctionStart, "trigger_error handleError throwException", Throw),
    ("php", Within, "HandleExceptions-> ErrorHandler-> Assert::assert Assert::fail", Throw),
    (
        "jvm",
        Start,
        "java.util.Objects.requireNonNull com.google.common.base.Preconditions. kotlin.jvm.internal.Intrinsics. \
        org.springframework.util.Assert. org.apache.commons.lang3.Validate. kotlin.PreconditionsKt \
        kotlin.KotlinNothingValueException org.junit.jupiter.api.Assert org.junit.Assert \
        org.junit.jupiter.api.AssertionUtils org.junit.jupiter.api.AssertionFailureBuilder org.assertj. \
        org.hamcrest. org.testng.Assert java.lang.Throwable. java.lang.Exception. \
        jdk.internal.util.Preconditions. kotlin.test.",
        Throw,
    ),
    (
        "csharp",
        Start,
        "System.ThrowHelper. System.Runtime.ExceptionServices. System.Diagnostics.Debug. \
        System.ArgumentNullException.Throw System.ArgumentException.Throw \
        System.ArgumentOutOfRangeException.Throw Xunit.Assert NUnit.Framework.Assert FluentAssertions. \
        Microsoft.VisualStudio.TestTools.UnitTesting.Assert Shouldly.",
        Throw,
    ),
    ("csharp", FunctionStart, "Throw", Throw),
    (
        "native",
        Name,
        "raise abort __libc_message __assert_fail __assert_fail_base __assert malloc_printerr g_log g_logv \
        g_log_default_handler g_assertion_message g_assertion_message_expr __cxa_throw __cxa_rethrow \
        __gxx_personality_v0 std::terminate _Unwind_RaiseException objc_exception_throw __stack_chk_fail \
        __fortify_fail __chk_fail _gdk_x_error _XError kill tgkill __kernel_vsyscall \
        __pthread_kill_implementation __pthread_kill_internal pthread_kill qt_message_output qFatal gsignal \
        __cxxabiv1::__terminate __verbose_terminate_handler rust_begin_unwind free_check killpg",
        Throw,
    ),
    ("native", Start, "<signal", Throw),
    (
        "native",
        Start,
        "__asan_ __ubsan_ __tsan_ __interceptor_ __sanitizer g_log g_return_if_fail __throw_ std::__throw_ Throw",
        Throw,
    ),
    // How work is scheduled: the awaiting frame stays, its carrier goes.
    (
        "js",
        Function,
        "processTicksAndRejections runMicrotasks processImmediate process._tickCallback _tickCallback \
        listOnTimeout processTimers asyncGeneratorStep _asyncToGenerator __awaiter _next fulfilled rejected \
        tryCatch regeneratorRuntime invokeTask runTask drainMicroTaskQueue Promise.then promiseReactionJob step \
        __generator _callee$",
        Async,
    ),
    ("js", Path, "zone.js regenerator-runtime/ core-js/ tslib/", Async),
    (
        "python",
        Path,
        "asyncio/ concurrent/futures/ trio/ anyio/ gevent/ eventlet/ uvloop/ asgiref/sync.py greenlet/ curio/",
        Async,
    ),
    (
        "rust",
        Start,
        "tokio::runtime tokio::task tokio::park tokio::loom core::future futures_util:: futures_executor:: \
        futures_core:: async_std:: async_task:: async_executor:: smol:: rayon_core:: rayon:: std::thread \
        std::sys::thread std::sys::backtrace std::sys_common::backtrace std::panic:: core::ops::function::Fn \
        alloc::boxed::Box::call tracing::instrument std::sys::pal::",
        Async,
    ),
    ("go", Name, "runtime.goexit runtime.main runtime.mstart runtime.mcall runtime.gopark", Async),
    ("go", Start, "golang.org/x/sync/errgroup. sync.(*Once). sync.(*WaitGroup).Go", Async),
    (
        "jvm",
        Start,
        "java.util.concurrent. kotlinx.coroutines. kotlin.coroutines. reactor.core. io.reactivex. rx.internal. \
        java.lang.Thread.run java.lang.VirtualThread. java.lang.Thread.runWith scala.concurrent. akka.dispatch. \
        io.vertx.core.impl. java.util.TimerThread. com.google.common.util.concurrent.",
        Async,
    ),
    (
        "csharp",
        Start,
        "System.Threading. System.Runtime.CompilerServices.TaskAwaiter System.Runtime.CompilerServices.Async \
        System.Runtime.CompilerServices.ConfiguredTaskAwaitable System.Runtime.CompilerServices.ValueTaskAwaiter",
        Async,
    ),
    ("ruby", Path, "concurrent-ruby/ async/", Async),
    ("php", Path, "guzzlehttp/promises/ react/promise/ amphp/", Async),
    (
        "native",
        Name,
        "clone __clone clone3 __clone3 start_thread __libc_start_main __libc_start_main_impl \
        __libc_start_call_main _start g_main_loop_run g_main_context_iteration g_main_context_dispatch \
        g_main_dispatch g_main_context_iterate g_thread_proxy start RtlUserThreadStart BaseThreadInitThunk",
        Async,
    ),
    // Who runs tests: the test stays, its runner goes.
    (
        "js",
        Path,
        "jest-circus/ jest-runner/ jest-jasmine2/ jest-runtime/ jest-environment jest-mock/ mocha/ vitest/ \
        @vitest/ expect/ chai/ ava/ jasmine-core/ @jest/ @playwright/ cypress/",
        Test,
    ),
    ("js", Start, "Test.run Suite. Runner.", Test),
    ("python", Path, "_pytest/ pluggy/ pytest.py pytest/ unittest/ nose/ pytest_asyncio/ hypothesis/ xdist/", Test),
    ("rust", Start, "test:: proptest:: rstest:: quickcheck:: ", Test),
    ("go", Start, "testing. github.com/onsi/ginkgo github.com/onsi/gomega gotest.tools/", Test),
    (
        "jvm",
        Start,
        "org.junit. junit. org.testng. org.mockito. org.gradle. org.apache.maven.surefire. io.kotest. \
        worker.org.gradle. com.intellij.rt. org.spockframework. io.mockk. org.apache.maven.plugin.surefire.",
        Test,
    ),
    (
        "csharp",
        Start,
        "Xunit. NUnit. Microsoft.VisualStudio.TestPlatform. Microsoft.VisualStudio.TestTools. Moq. \
        ReflectionAbstractionExtensions",
        Test,
    ),
    (
        "ruby",
        Path,
        "minitest/ rspec-core/ rspec-expectations/ rspec-mocks/ test-unit/ minitest.rb rspec-support/",
        Test,
    ),
    ("php", Path, "phpunit/ mockery/ pestphp/", Test),
    ("php", Start, "PHPUnit\\ Mockery\\", Test),
    // Engines and reflection.
    (
        "jvm",
        Start,
        "jdk.internal.reflect. sun.reflect. java.lang.reflect. java.lang.invoke. jdk.proxy com.sun.proxy. $Proxy \
        jdk.internal. org.codehaus.groovy.reflection. org.codehaus.groovy.runtime. dalvik. com.android.internal.",
        Runtime,
    ),
    ("jvm", Within, "$$Lambda GeneratedMethodAccessor GeneratedConstructorAccessor $$FastClass", Runtime),
    ("python", Path, "importlib/ runpy.py importlib._bootstrap", Runtime),
    ("python", Function, "<listcomp> <dictcomp> <setcomp>", Runtime),
    (
        "csharp",
        Start,
        "System.Reflection. System.RuntimeMethodHandle. System.Runtime. InvokeStub_ lambda_method",
        Runtime,
    ),
    (
        "ruby",
        Function,
        "require require_relative load each map instance_eval instance_exec public_send send __send__ tap times \
        loop yield_self each_with_index inject sum select fetch",
        Runtime,
    ),
    ("php", Name, "call_user_func call_user_func_array {main} array_map array_walk", Runtime),
    ("php", Start, "[internal", Runtime),
    // Languages' own libraries, by name.
    ("rust", Start, "core:: std:: alloc:: proc_macro:: __rust_ _start __libc_start", Std),
    (
        "rust",
        Function,
        "__libc_start_main _start start_thread clone clone3 __libc_start_call_main lang_start call_once",
        Std,
    ),
    (
        "go",
        Start,
        "runtime. runtime/ net/ net. os. os/ fmt. sync. sync/ encoding/ reflect. io. io/ time. strings. strconv. \
        context. database/ bytes. bufio. sort. slices. maps. errors. syscall. internal/ html/ text/ crypto/ \
        math/ regexp. path. path/ unicode/ compress/ archive/ log. log/ flag. go/ mime/ iter. container/ hash/",
        Std,
    ),
    ("jvm", Start, "java. javax. jdk. sun. com.sun. kotlin. scala. groovy.lang. clojure.", Std),
    ("csharp", Start, "System. Microsoft.CSharp. Microsoft.Win32. Interop.", Std),
    // Well-known packages, by name, where a trace gives no path.
    (
        "jvm",
        Start,
        "org.springframework. org.apache. org.hibernate. com.fasterxml. io.netty. org.eclipse. org.jboss. \
        com.google.common. com.google.gson. com.google.inject. org.slf4j. ch.qos.logback. io.micronaut. \
        io.quarkus. okhttp3. okio. retrofit2. android. androidx. com.android. kotlinx. io.ktor. io.vertx. akka. \
        play. com.zaxxer. org.postgresql. com.mysql. redis.clients. io.lettuce. org.codehaus. io.undertow. \
        org.glassfish. com.netflix. feign. io.grpc. org.mybatis. org.flywaydb. liquibase. org.h2. org.yaml. \
        com.mongodb. net.bytebuddy. javassist. org.aspectj. org.quartz. org.xnio. com.amazonaws. \
        software.amazon. io.opentelemetry.",
        Dep,
    ),
    (
        "csharp",
        Start,
        "Microsoft. Newtonsoft. Npgsql. Dapper. AutoMapper. Serilog. MediatR. Polly. StackExchange. Castle. \
        MySql. Autofac. Grpc. FluentValidation. Swashbuckle. Quartz. Hangfire. RabbitMQ. MassTransit.",
        Dep,
    ),
    (
        "go",
        Start,
        "golang.org/x/ google.golang.org/ gopkg.in/ k8s.io/ go.uber.org/ github.com/gin-gonic/ \
        github.com/labstack/echo github.com/gorilla/ github.com/go-chi/ github.com/gofiber/ github.com/valyala/ \
        gorm.io/ github.com/jmoiron/ github.com/lib/pq github.com/jackc/ github.com/spf13/ github.com/sirupsen/ \
        go.opentelemetry.io/ github.com/urfave/",
        Dep,
    ),
    (
        "rust",
        Start,
        "serde:: serde_json:: serde_core:: anyhow:: eyre:: color_eyre:: hyper:: hyper_util:: axum:: axum_core:: \
        tower:: tower_http:: tokio:: tokio_util:: actix_web:: actix_rt:: actix_http:: actix_server:: reqwest:: \
        clap:: clap_builder:: rocket:: warp:: tonic:: prost:: sqlx:: diesel:: hashbrown:: indexmap:: bytes:: \
        futures:: crossbeam parking_lot mio:: log:: tracing regex:: regex_automata:: backtrace:: gimli:: \
        addr2line:: itertools:: chrono:: rand:: wasm_bindgen bevy_ winit:: once_cell:: lazy_static:: dashmap:: \
        uuid:: url:: toml:: thiserror::",
        Dep,
    ),
    (
        "php",
        Start,
        "Illuminate\\ Symfony\\ Doctrine\\ GuzzleHttp\\ Laravel\\ Monolog\\ Twig\\ Composer\\ Psr\\ Laminas\\ \
        Yiisoft\\ League\\ Livewire\\ Nette\\",
        Dep,
    ),
    ("native", Path, "glib/ sysdeps/ nptl/ libio/ stdlib/abort.c malloc/", Std),
];

/// A row with its words apart.
type SplitRow = (&'static str, On, Vec<&'static str>, FrameKind);

static SPLIT: LazyLock<Vec<SplitRow>> = LazyLock::new(|| {
    ROWS.iter().map(|(family, on, words, kind)| (*family, *on, words.split_whitespace().collect(), *kind)).collect()
});

/// Lists what decides here, for the hash of the rules.
pub(super) fn table() -> Vec<&'static str> {
    ROWS.iter()
        .flat_map(|(family, on, words, kind)| {
            let on = match on {
                Name => "name",
                Start => "start",
                Function => "function",
                FunctionStart => "function-start",
                Within => "within",
                Path => "path",
            };
            [*family, on, kind.as_str(), *words]
        })
        .collect()
}

/// Returns the kind that the table gives to a frame, if any row fits.
pub(super) fn by_table(family: &str, full: &str, function: &str, path: &str) -> Option<FrameKind> {
    SPLIT
        .iter()
        .filter(|(of, ..)| of.is_empty() || *of == family)
        .find(|(_, on, words, _)| {
            words.iter().any(|word| match on {
                Name => full == *word,
                Start => full.starts_with(word),
                Function => function == *word,
                FunctionStart => function.starts_with(word),
                Within => full.contains(word),
                Path => path_has(path, word),
            })
        })
        .map(|(.., kind)| *kind)
}

/// Returns whether a path has a piece that starts at the border of a folder.
fn path_has(path: &str, piece: &str) -> bool {
    path.match_indices(piece)
        .any(|(at, _)| at == 0 || path.as_bytes()[at - 1] == b'/' || path.as_bytes()[at - 1] == b'@')
}
