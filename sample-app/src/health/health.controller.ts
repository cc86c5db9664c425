import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, MikroOrmHealthIndicator } from '@nestjs/terminus';
import { PurgeHealthIndicator } from 'nestjs-mikro-orm-soft-delete';

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly database: MikroOrmHealthIndicator,
    private readonly purge: PurgeHealthIndicator,
  ) {}

  /** 200 when the database answers and the purge keeps up, else 503. */
  @Get()
  @HealthCheck()
  check() {
    return this.health.check([
      () => this.database.pingCheck('database', { timeout: 2_000 }),
      () => this.purge.isHealthy('purge', { sla: '30d' }),
    ]);
  }
}
