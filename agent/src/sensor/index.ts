export { Guard, type GuardOptions, type MoreParts, type SensorFactory, type SensorParts } from "./guard.js";
export { cgroupOf, type Identity, identityDecoder, splitArguments, untilNul } from "./identity.js";
export { PinError, pinsOf, unpin } from "./pins.js";
