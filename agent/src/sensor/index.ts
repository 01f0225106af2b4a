export { Guard, type GuardOptions, type SensorFactory, type SensorParts } from "./guard.js";
export { type Identity, identityDecoder, splitArguments } from "./identity.js";
export { PinError, pinsOf, unpin } from "./pins.js";
