export { nameCounters } from "./counters.js";
export { DecodeError, decodeExecRecord, type ExecRecord, splitArea, type Verdict } from "./decode.js";
export { Guard, type GuardOptions, PinError, unpin } from "./guard.js";
export { type CompiledRules, compileRules, type Way, type Ways } from "./judge.js";
export { isSelfTest, runSelfTest, SELF_TEST_LIST, type SelfTestResult, selfTestRule } from "./self-test.js";
