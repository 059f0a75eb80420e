/* SPDX-License-Identifier: MIT */
/* zoo.cpp - C++ that allocates by new in methods of a template, and C functions under
 * names that other compilers would give. */
#include "zoo.h"

#include <cstdlib>

namespace zoo {

struct animal {
    char name[40];
};

template <typename kind> class cage {
  public:
    __attribute__((noinline)) void keep(int count, const char *name) {
        for (int i = 0; i < count; i++) {
            inside = new kind{};
            inside->name[0] = *name;
        }
    }

  private:
    kind *volatile inside = nullptr;
};

} // namespace zoo

extern "C" {

static void *volatile zoo_inside;

__attribute__((noinline)) void zoo_rust_keep(int count) __asm__(
        "_RNvMs0_NtCs5l0EXMQXRMU_4menu5plateNtB5_5Plate4keep");

__attribute__((noinline)) void zoo_rust_keep(int count) {
    for (int i = 0; i < count; i++) {
        zoo_inside = malloc(50);
    }
}

/* Each argument is two times the one before it: 2^60 names. */
__attribute__((noinline)) void zoo_endless_keep(int count) __asm__(
        "_Z3eatI1AIbbES0_IS1_S1_ES0_IS2_S2_ES0_IS3_S3_ES0_IS4_S4_ES0_IS5_S5_ES0_IS6_S6_E"
        "S0_IS7_S7_ES0_IS8_S8_ES0_IS9_S9_ES0_ISA_SA_ES0_ISB_SB_ES0_ISC_SC_ES0_ISD_SD_E"
        "S0_ISE_SE_ES0_ISF_SF_ES0_ISG_SG_ES0_ISH_SH_ES0_ISI_SI_ES0_ISJ_SJ_ES0_ISK_SK_E"
        "S0_ISL_SL_ES0_ISM_SM_ES0_ISN_SN_ES0_ISO_SO_ES0_ISP_SP_ES0_ISQ_SQ_ES0_ISR_SR_E"
        "S0_ISS_SS_ES0_IST_ST_ES0_ISU_SU_ES0_ISV_SV_ES0_ISW_SW_ES0_ISX_SX_ES0_ISY_SY_"
        "EEvv");

__attribute__((noinline)) void zoo_endless_keep(int count) {
    for (int i = 0; i < count; i++) {
        zoo_inside = malloc(60);
    }
}

/* The same doubling in a pack expansion: libiberty looks for the pack in 2^60 places. */
__attribute__((noinline)) void zoo_slow_keep(int count) __asm__(
        "_Z3eatIDp1AIS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0"
        "_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_I"
        "S0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0_IS0"
        "_IS0_IS0_IS0_IbbES1_ES2_ES3_ES4_ES5_ES6_ES7_ES8_ES9_ESA_ESB_ESC_ESD_ESE_ESF_ES"
        "G_ESH_ESI_ESJ_ESK_ESL_ESM_ESN_ESO_ESP_ESQ_ESR_ESS_EST_ESU_ESV_ESW_ESX_ESY_ESZ_"
        "ES10_ES11_ES12_ES13_ES14_ES15_ES16_ES17_ES18_ES19_ES1A_ES1B_ES1C_ES1D_ES1E_ES1"
        "F_ES1G_ES1H_ES1I_ES1J_ES1K_ES1L_ES1M_ES1N_EEvv");

__attribute__((noinline)) void zoo_slow_keep(int count) {
    for (int i = 0; i < count; i++) {
        zoo_inside = malloc(80);
    }
}

__attribute__((noinline)) void zoo_nameless_keep(int count) __asm__("_RC0");

__attribute__((noinline)) void zoo_nameless_keep(int count) {
    for (int i = 0; i < count; i++) {
        zoo_inside = malloc(70);
    }
}

void zoo_keep(int count) {
    static zoo::cage<zoo::animal> cage;
    cage.keep(count, "hen");
}

void zoo_rust(int count) {
    zoo_rust_keep(count);
    zoo_inside = nullptr;
}

void zoo_endless(int count) {
    zoo_endless_keep(count);
    zoo_inside = nullptr;
}

void zoo_slow(int count) {
    zoo_slow_keep(count);
    zoo_inside = nullptr;
}

void zoo_nameless(int count) {
    zoo_nameless_keep(count);
    zoo_inside = nullptr;
}
}
