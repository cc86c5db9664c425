import { Module, type OnModuleDestroy } from '@nestjs/common';
import { metrics } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { MetricsController } from './metrics.controller.js';

/** The purge tells OpenTelemetry how it is doing; Prometheus fetches it from here. */
@Module({
  controllers: [MetricsController],
  providers: [
    {
      provide: PrometheusExporter,
      // Before the first `onModuleInit()`: what is measured earlier has nowhere to go.
      useFactory: () => {
        const exporter = new PrometheusExporter({ preventServerStart: true });
        metrics.setGlobalMeterProvider(new MeterProvider({ readers: [exporter] }));
        return exporter;
      },
    },
  ],
})
export class MetricsModule implements OnModuleDestroy {
  onModuleDestroy(): void {
    metrics.disable();
  }
}
