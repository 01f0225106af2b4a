export {
  type EnvironmentTables,
  environmentTables,
  environmentWallets,
  type NumberedRule,
  noEnvironment,
} from "./tables.js";
export { placeOfString, variableAt, variableName } from "./variable.js";
