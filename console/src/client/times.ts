// The reader's own time beside UTC.

export function localTimes(): void {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
  for (const element of document.querySelectorAll<HTMLTimeElement>("time[datetime]"))
    element.title = format.format(new Date(element.dateTime));
  const zone = document.querySelector("#zone");
  if (zone !== null) zone.textContent = `; under the pointer they are in ${format.resolvedOptions().timeZone}`;
}
