export { DecodeError, type ExecRecord, execDecoder, splitArea, type Verdict } from "./decode.js";
export { Guard, type GuardOptions, type SensorParts } from "./guard.js";
export { type CompiledRules, compileRules, type Way, type Ways } from "./judge.js";
export { PinError, unpin } from "./pins.js";
export { isSelfTest, runSelfTest, SELF_TEST_LIST, type SelfTestResult, selfTestRule } from "./self-test.js";
