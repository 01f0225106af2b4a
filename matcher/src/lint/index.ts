export { ESSENTIAL_COMMANDS } from "./essential-commands.js";
export { FINDING_LEVELS, type Finding, type FindingLevel } from "./finding.js";
export { type LintedPattern, lintPatterns, PATTERN_CODES, type PatternCost, patternCost } from "./patterns.js";
export { lintStrings, STRING_CODES } from "./strings.js";
