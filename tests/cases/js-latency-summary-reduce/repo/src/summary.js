import { groupBy, recent } from './window.js';

const round = (n) => Math.round(n * 10) / 10;

function downtime(outages) {
  return outages.reduce((sum, o) => sum + (o.to - o.from), 0);
}

function busyTime(samples) {
  return samples.map((s) => s.ms).reduce((sum, ms) => sum + ms);
}

/** One line of the status page for a service over the last `spanMs`. */
export function summarise(service, now, spanMs) {
  const samples = recent(service.samples, now, spanMs);
  const busy = busyTime(samples);
  return {
    name: service.name,
    requests: samples.length,
    busyMs: round(busy),
    downMs: downtime(service.outages ?? []),
    routes: [...groupBy(samples, 'route').keys()].sort(),
  };
}

export function statusPage(services, now, spanMs = 60_000) {
  return services.map((service) => summarise(service, now, spanMs));
}
