export {
  type EnvironmentTables,
  environmentStrings,
  environmentTables,
  environmentWallets,
  type NumberedRule,
  noEnvironment,
} from "./tables.js";
export { placeOfString, variableAt, variableName } from "./variable.js";
