import { describe, expect, it } from 'vitest'
import { nearMisses } from '../../../../server/leitstand/near-names'

const NEAR: [string, string][] = [
  ['NUXT_MQTT_URI', 'NUXT_MQTT_URL'],
  ['NUXT_MQTTURL', 'NUXT_MQTT_URL'],
  ['NUXT_MQTT_ULR', 'NUXT_MQTT_URL'],
  ['NUXT_MQT_URL', 'NUXT_MQTT_URL'],
  ['nuxt_mqtt_url', 'NUXT_MQTT_URL'],
  ['NUXT_URL_MQTT', 'NUXT_MQTT_URL'],
  ['NUXT_MQTT_USER', 'NUXT_MQTT_USERNAME'],
  ['NUXT_MQTT_USER_NAME', 'NUXT_MQTT_USERNAME'],
  ['NUXT_MQTT_PASS', 'NUXT_MQTT_PASSWORD'],
  ['NUXT_MQTT_PASSWROD', 'NUXT_MQTT_PASSWORD'],
  ['NUXT_MQTT_PASSWORT_FILE', 'NUXT_MQTT_PASSWORD_FILE'],
  ['NUXT_MQTT_CLIENTID', 'NUXT_MQTT_CLIENT_ID'],
  ['NUXT_MQTT_CLIENT', 'NUXT_MQTT_CLIENT_ID'],
  ['NUXT_MQTT_CA', 'NUXT_MQTT_CA_FILE'],
  ['NUXT_MQTT_CERT', 'NUXT_MQTT_CERT_FILE'],
  ['NUXT_HISTORY_RAWDAYS', 'NUXT_HISTORY_RAW_DAYS'],
  ['NUXT_HISTORY_RAW_DAY', 'NUXT_HISTORY_RAW_DAYS'],
  ['NUXT_RAW_DAYS_HISTORY', 'NUXT_HISTORY_RAW_DAYS'],
  ['NUXT_CLUSTER_ENABLED', 'NUXT_CLUSTER'],
  ['NUXT_MQTT_URL_2', 'NUXT_MQTT_URL'],
  ['NUXT_ACCOUNT_OPEN', 'NUXT_ACCOUNTS_OPEN'],
  ['NUXT_DATADIR', 'NUXT_DATA_DIR'],
  ['NUXT_DATA', 'NUXT_DATA_DIR'],
  ['NUXT_DATABASE_URI', 'NUXT_DATABASE_URL'],
  ['NUXT_DATABASE', 'NUXT_DATABASE_URL'],
  ['NUXT_SECURITY_TRUSTED_PROXY', 'NUXT_SECURITY_TRUSTED_PROXIES'],
  ['NUXT_CLUSTERS', 'NUXT_CLUSTER'],
  ['NUXT_LIMITS_PAYLOAD', 'NUXT_LIMITS_PAYLOAD_BYTES'],
]

describe('a variable that is nearly a setting', () => {
  it.each(NEAR)('%s is %s', (name, likely) => {
    expect(nearMisses({ [name]: 'secret' })).toEqual([`${name} is no setting and is not looked at; ${likely} is one. Was that meant?`])
  })

  it('is none when it is one, or somebody else’s', () => {
    for (const name of ['NUXT_MQTT_URL', 'NUXT_MQTT_PASSWORD_FILE', 'NUXT_MQTT_CA_FILE', 'NUXT_MQTT_CA_FILE_FILE', 'NUXT_DATA_DIR_FILE', 'NUXT_HISTORY', 'NUXT_CLUSTER',
      'NUXT_PUBLIC_MQTT_URL', 'NUXT_APP_BASE_URL', 'NUXT_APP_CDN_URL', 'NUXT_PUBLIC_I18N_BASE_URL', 'NUXT_UI_PRO_LICENSE', 'NUXT_SESSION_PASSWORD', 'NUXT_SITE_URL', 'NUXT_TELEMETRY_DISABLED',
      'NUXT_PORT', 'NUXT_HOST', 'NUXT_OAUTH_GITHUB_CLIENT_ID', 'NUXT_STRIPE_KEY', 'NUXT_', 'NUXT_LIMITS', 'NUXT_HISTORY_FORMAT', 'MQTT_URI', 'PATH', 'NITRO_PORT']) {
      expect(nearMisses({ [name]: 'x' }), name).toEqual([])
    }
  })
})
