export { Guard, type GuardOptions, type SensorFactory, type SensorParts } from "./guard.js";
export { PinError, unpin } from "./pins.js";
