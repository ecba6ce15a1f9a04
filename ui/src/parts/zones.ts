/** Zones that can be chosen; UTC leads. */
export const ZONES = [
  "UTC",
  ...Intl.supportedValuesOf("timeZone").filter((each) => each !== "UTC"),
];
