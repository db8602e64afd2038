import type { App } from '../../app/app.ts';
import { DeviceScreen } from './screen.tsx';

export const openDevice = (app: App, guid: string): void => app.push(new DeviceScreen(app, guid));
