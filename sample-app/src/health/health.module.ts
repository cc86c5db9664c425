import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { PurgeHealthIndicator } from 'nestjs-mikro-orm-soft-delete';
import { HealthController } from './health.controller.js';

@Module({
  imports: [TerminusModule.forRoot({ logger: true })],
  controllers: [HealthController],
  providers: [PurgeHealthIndicator],
})
export class HealthModule {}
